import { readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";

/** Says when refs of mirrors get to their next tips, with one watcher for each mirror. */
export interface Arrivals {
  /** @returns performance.now() when the ref was seen at the tip @throws when that takes longer than `timeoutMs` */
  wait(tip: string, timeoutMs: number): Promise<number>;
  close(): void;
}

/** @param files the refs' loose files, in directories that exist */
export function watchArrivals(mirrors: readonly string[], ref: string): Arrivals {
  const waiting = new Map<string, (at: number) => void>();
  const watchers = mirrors.map((mirror) => {
    const file = join(mirror, ref);
    return watch(dirname(file), () => {
      const at = performance.now();
      const tip = readOrNothing(file);
      waiting.get(tip)?.(at);
    });
  });
  return {
    wait: (tip, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(tip);
          reject(new Error(`${ref} is not at ${tip} after ${timeoutMs} ms`));
        }, timeoutMs);
        waiting.set(tip, (at) => {
          clearTimeout(timer);
          waiting.delete(tip);
          resolve(at);
        });
      }),
    close() {
      for (const watcher of watchers) watcher.close();
    },
  };
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
