import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";

/** Buffer: a name in the path is not UTF-8. */
export type Path = string | Buffer;

/** The number of look-ups that one list makes at a time; Node.js has four threads for all of them. */
const LANES = 4;
/** Slow disks take long to sync, and the other threads serve whoever else needs one. */
const syncs = new PQueue({ concurrency: 2 });
/** A directory that has just changed can change again without a new time: the kernel's clock has ticks. */
const TICK_MS = 1_000;

/**
 * Makes a file's content, or a directory's names, survive a power cut: fsync(2). A name is only as durable as
 * its directory.
 */
export const syncPath = (path: Path): Promise<void> => inSyncTurn(() => sync(path));

/** Syncs something when it is its turn: two at a time, whoever asks. */
export const inSyncTurn = (act: () => Promise<void>): Promise<void> => syncs.add(act);

async function sync(path: Path): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  } finally {
    await file.close();
  }
}

/** Syncs each path that still exists. */
export async function syncPaths(paths: Iterable<Path>): Promise<void> {
  await onEach(paths, async (path) => {
    try {
      await syncPath(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  });
}

/**
 * Writes a small file so that a power cut leaves either the old content or the new: beside, then fsync, then
 * rename, then fsync of the directory.
 * @param replacesLock false: `<path>.lock` is another program's while it exists
 * @throws Error with code EEXIST for a lock that must not be replaced
 */
export async function writeDurably(path: string, text: string, { replacesLock = true } = {}): Promise<void> {
  const beside = `${path}.lock`;
  if (replacesLock) await rm(beside, { force: true });
  const file = await open(beside, "wx", 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncPath(dirname(path));
}

/** Does what `writeDurably` does, for callers that wait for the disk already, such as SQLite's. */
export function writeDurablySync(path: string, text: string, { mode = 0o640 } = {}): void {
  const beside = `${path}.lock`;
  // An existing file would keep its mode.
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { mode, flush: true });
  renameSync(beside, path);
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  } finally {
    closeSync(directory);
  }
}

/**
 * Remembers how directories are, before a program changes some of them.
 * @param list names the directories that exist, and is called again after the change
 * @returns a function that syncs those whose names may have changed since
 */
export async function watchDirectories(list: () => Promise<Path[]> | Path[]): Promise<() => Promise<void>> {
  const before = await stampsOf(await list());
  return async () => {
    const after = await stampsOf(await list());
    const changed = [...after].filter(([key, { stamp }]) => {
      const known = before.get(key);
      return !known || known.isYoung || known.stamp !== stamp;
    });
    await syncPaths(changed.map(([, { path }]) => path));
  };
}

/** Syncs every file and directory below a directory, and the directory itself. */
export async function syncTree(dir: string): Promise<void> {
  const directories = [Buffer.from(dir)];
  for (const directory of directories) {
    // Names are read as bytes, since a ref's file has the ref's name.
    const entries = await readdir(directory, { withFileTypes: true, encoding: "buffer" });
    const pathOf = ({ name }: { name: Buffer }) => Buffer.concat([directory, Buffer.from("/"), name]);
    directories.push(...entries.filter((entry) => entry.isDirectory()).map(pathOf));
    await syncPaths(entries.filter((entry) => entry.isFile()).map(pathOf));
  }
  await syncPaths(directories);
}

/** Returns when each path that exists last changed, in milliseconds since 1970. */
export async function timesOf(paths: Iterable<string>): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  await onEach(paths, async (path) => {
    try {
      times.set(path, (await stat(path)).mtimeMs);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  });
  return times;
}

interface Stamp {
  path: Path;
  stamp: string;
  /** The directory changed so recently that its time cannot show another change. */
  isYoung: boolean;
}

/** @returns the stamps by path, in Latin-1 where a name is not UTF-8 */
async function stampsOf(paths: Path[]): Promise<Map<string, Stamp>> {
  const stamps = new Map<string, Stamp>();
  await onEach(new Set(paths), async (path) => {
    try {
      const { ino, mtimeNs, mtimeMs } = await stat(path, { bigint: true });
      const isYoung = Math.abs(Date.now() - Number(mtimeMs)) < TICK_MS;
      stamps.set(path.toString("latin1"), { path, stamp: `${ino} ${mtimeNs}`, isYoung });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  });
  return stamps;
}

/** Each lane takes the next path when it is done with one. */
async function onEach<P extends Path>(paths: Iterable<P>, act: (path: P) => Promise<void>): Promise<void> {
  const next = paths[Symbol.iterator]();
  async function lane(): Promise<void> {
    for (let path = next.next(); !path.done; path = next.next()) await act(path.value);
  }
  await Promise.all(Array.from({ length: LANES }, lane));
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";

/** A file may be where a directory is expected on the way, and no path exists that is too long. */
const isMissing = (error: unknown): boolean => ["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(codeOf(error));

/** Some file systems, such as shares of other machines, cannot sync a directory. */
export const isUnsupported = (error: unknown): boolean =>
  ["EINVAL", "ENOTSUP", "EBADF"].includes(codeOf(error));
