import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncPaths, timesOf } from "../../machine/durable.js";
import type { Scratch } from "./scratch.js";

/**
 * What a fetch writes is synced as it is written, except the refs of the directory that the fetch runs in:
 * nothing needs them after the fetch. git-config(1), core.fsync
 */
export const SYNC_OBJECTS = { "core.fsync": "loose-object,-reference" };

/** A file's time is up to a tick of the kernel's clock behind; remote file systems round to seconds. */
const TICK_MS = 1_000;

/**
 * Runs git commands that write objects, and returns when the objects are on disk. git syncs the files alone:
 * the names are in at most 258 directories, of which those that have changed are synced.
 * @param mirror the repository whose object store is written to
 * @param scratch where the commands run; it was opened just before
 */
export async function keepObjects<T>(mirror: string, scratch: Scratch, write: () => Promise<T>): Promise<T> {
  const begun = await readClocks(scratch);
  const written = await write();
  const times = await timesOf(await objectDirectories(join(mirror, "objects")));
  const changed = [...times].filter(([, mtimeMs]) => isSince(mtimeMs, begun)).map(([path]) => path);
  await syncPaths(changed);
  return written;
}

interface Clocks {
  /** The file system's own clock, by which it dates directories. */
  fileMs: number;
  wallMs: number;
  steadyMs: number;
}

/** The scratch directory's list of refs has just been written, on the same file system. */
async function readClocks({ dir }: Scratch): Promise<Clocks> {
  const { mtimeMs } = await stat(join(dir, "packed-refs"));
  return { fileMs: mtimeMs, wallMs: Date.now(), steadyMs: performance.now() };
}

/** Whether a directory may have changed since; when somebody has set the clock meanwhile, each may have. */
function isSince(mtimeMs: number, { fileMs, wallMs, steadyMs }: Clocks): boolean {
  const jumpMs = Date.now() - wallMs - (performance.now() - steadyMs);
  return mtimeMs >= fileMs - TICK_MS || Math.abs(jumpMs) > TICK_MS / 2;
}

/** Directories of loose objects. */
const LOOSE = /^[0-9a-f]{2}$/;

/** Whether a mirror has any object, loose or packed, judged by names alone; what does not exist has none. */
export async function hasObjects(mirror: string): Promise<boolean> {
  const objects = join(mirror, "objects");
  const [names, packs] = await Promise.all([namesIn(objects), namesIn(join(objects, "pack"))]);
  return names.some((name) => LOOSE.test(name)) || packs.some((name) => name.endsWith(".pack"));
}

const namesIn = (dir: string): Promise<string[]> =>
  readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });

/** Returns the directories of loose objects and packs, and the one above them: gitrepository-layout(5). */
async function objectDirectories(objects: string): Promise<string[]> {
  const names = await readdir(objects);
  const found = names.filter((name) => name === "pack" || LOOSE.test(name));
  return [objects, ...found.map((name) => join(objects, name))];
}
