import { type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { ZERO } from "./standin/types.js";

/** The interval is a safety net below the watchers: a directory may be made, or replaced, unseen. */
const RECHECK_MS = 25;

export const mirrorPath = (dataDir: string, owner: string, name: string): string =>
  join(dataDir, "mirrors", owner, `${name}.git`);

/**
 * Returns the object that a ref of a mirror points at, read without a process; ZERO when the ref does not
 * exist.
 */
export function readTip(mirror: string, ref: string): string {
  const loose = readOrNothing(join(mirror, ref)).trim();
  return /^[0-9a-f]{40}$/.test(loose) ? loose : (packedRefs(mirror).get(ref) ?? ZERO);
}

/** Reports the object of a ref, now and at every change. @returns a function that ends the watch */
export function watchTip(mirror: string, ref: string, report: (tip: string, at: number) => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let last: string | undefined;
  const check = (): void => {
    const tip = readTip(mirror, ref);
    if (tip === last) return;
    last = tip;
    report(tip, performance.now());
  };
  const look = (): void => {
    for (const dir of [dirname(join(mirror, ref)), mirror]) watchOnce(watchers, dir, check);
    check();
  };
  const recheck = setInterval(look, RECHECK_MS);
  // The first report is delayed, because the caller has no way to end the watch yet.
  queueMicrotask(look);
  return () => {
    clearInterval(recheck);
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}

/** @returns performance.now() as soon as the ref is there (ZERO: is gone). */
export function waitForTip(mirror: string, ref: string, sha: string, timeoutMs = 180_000): Promise<number> {
  return new Promise((resolve, reject) => {
    const stop = watchTip(mirror, ref, (tip, at) => {
      if (tip !== sha) return;
      stop();
      clearTimeout(deadline);
      resolve(at);
    });
    const deadline = setTimeout(() => {
      stop();
      reject(
        new Error(`${ref} is ${readTip(mirror, ref)} and not ${sha} after ${timeoutMs} ms in ${mirror}`),
      );
    }, timeoutMs);
  });
}

function watchOnce(watchers: Map<string, FSWatcher>, dir: string, changed: () => void): void {
  if (watchers.has(dir)) return;
  try {
    const watcher = watch(dir, changed);
    watcher.on("error", () => {
      watcher.close();
      watchers.delete(dir);
    });
    watchers.set(dir, watcher);
  } catch {
    // The file does not exist yet.
  }
}

interface Packed {
  stamp: string;
  refs: Map<string, string>;
}

const packedCache = new Map<string, Packed>();

function packedRefs(mirror: string): Map<string, string> {
  const file = join(mirror, "packed-refs");
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (!stat) return new Map();
  const stamp = `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
  const known = packedCache.get(file);
  if (known?.stamp === stamp) return known.refs;
  const refs = new Map<string, string>();
  for (const line of readOrNothing(file).split("\n"))
    if (/^[0-9a-f]{40} /.test(line)) refs.set(line.slice(41), line.slice(0, 40));
  packedCache.set(file, { stamp, refs });
  return refs;
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
