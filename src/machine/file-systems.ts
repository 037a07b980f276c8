import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/** What is free on the file system that has a path. */
export interface Free {
  /** The number of the file system's device, which two paths on one file system share. */
  device: number;
  /** How much Lockstep's user may still write. */
  bytes: number;
  /** How much it has in all. */
  totalBytes: number;
  /** How many files may still be made; null: the file system has no fixed number of them, such as btrfs. */
  files: number | null;
}

/** Reads what is free where the path is, or will be made: stat(2), statfs(2). @throws the system's error */
export async function readFree(path: string): Promise<Free> {
  try {
    const [{ dev }, free] = await Promise.all([stat(path), statfs(path)]);
    const { bavail, blocks, bsize, files, ffree } = free;
    return {
      device: dev,
      bytes: bavail * bsize,
      totalBytes: blocks * bsize,
      files: files === 0 ? null : ffree,
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) throw error;
    return readFree(dirname(path));
  }
}

/** A share of another machine may not answer for as long as that machine is away, in milliseconds. */
const PATIENCE_MS = 2_000;

/** The last answers about some paths. */
export interface Meter<Name extends string> {
  /**
   * Asks about every path again. A file system that does not answer is not asked a second time meanwhile, since each
   * question holds one of Node's four threads, and its last answer stays. Never throws.
   */
  measure(): Promise<void>;
  /** Returns the last answer about a path; undefined: there is none yet. */
  get(name: Name): Free | undefined;
}

export function createMeter<Name extends string>(
  paths: Readonly<Record<Name, string>>,
  read: (path: string) => Promise<Free> = readFree,
): Meter<Name> {
  const names = Object.keys(paths) as Name[];
  const known = new Map<Name, Free>();
  const asked = new Map<Name, Promise<void>>();

  function ask(name: Name): Promise<void> {
    const open =
      asked.get(name) ??
      read(paths[name])
        .then((free) => void known.set(name, free))
        // What cannot be read says nothing about its space; whoever writes there meets the failure.
        .catch(() => void known.delete(name))
        .finally(() => asked.delete(name));
    asked.set(name, open);
    return open;
  }

  return {
    async measure() {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([Promise.all(names.map(ask)), patience]);
      clearTimeout(timer);
    },
    get: (name) => known.get(name),
  };
}
