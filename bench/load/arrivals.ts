import { readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";

/** Says when refs of mirrors get to their next tips, with one watcher for each mirror. */
export interface Arrivals {
  /**
   * @param n which of the mirrors
   * @returns performance.now() when the ref was seen at the tip, or at a later one
   * @throws when that takes longer than `timeoutMs`
   */
  wait(n: number, tip: string, timeoutMs: number): Promise<number>;
  close(): void;
}

const RECHECK_MS = 1_000;

/** @param mirrors have the ref in a directory that exists */
export function watchArrivals(mirrors: readonly string[], ref: string): Arrivals {
  const waiting = mirrors.map(() => new Map<string, (at: number) => void>());
  const tipOf = (n: number) => readOrNothing(join(mirrors[n]!, ref));
  const look = (n: number) => {
    const at = performance.now();
    const tip = tipOf(n);
    if (!waiting[n]!.has(tip)) return;
    // Pushes that came together are brought together: the last one's tip has the others.
    for (const [earlier, arrive] of waiting[n]!) {
      arrive(at);
      if (earlier === tip) break;
    }
  };
  const watchers = mirrors.map((mirror, n) => watch(dirname(join(mirror, ref)), () => look(n)));
  // A watcher may miss a change.
  const recheck = setInterval(() => {
    for (const [n, { size }] of waiting.entries()) if (size > 0) look(n);
  }, RECHECK_MS);
  return {
    wait: (n, tip, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting[n]!.delete(tip);
          reject(
            new Error(`${ref} of ${mirrors[n]} is at ${tipOf(n)}, not at ${tip}, after ${timeoutMs} ms`),
          );
        }, timeoutMs);
        waiting[n]!.set(tip, (at) => {
          clearTimeout(timer);
          waiting[n]!.delete(tip);
          resolve(at);
        });
      }),
    close() {
      clearInterval(recheck);
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
