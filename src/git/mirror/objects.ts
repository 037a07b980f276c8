import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { watchDirectories } from "../../machine/durable.js";

/**
 * What a fetch writes is synced as it is written, except the refs of the directory that the fetch runs in:
 * nothing needs them after the fetch. git-config(1), core.fsync
 */
export const SYNC_OBJECTS = { "core.fsync": "loose-object,-reference" };

/**
 * Runs git commands that write objects, and returns when the objects are on disk. git syncs the files alone:
 * the names are in at most 258 directories, of which those that have changed are synced.
 * @param gitDir the repository whose object store is written to
 */
export async function keepObjects<T>(gitDir: string, write: () => Promise<T>): Promise<T> {
  const syncChanged = await watchDirectories(() => objectDirectories(join(gitDir, "objects")));
  const written = await write();
  await syncChanged();
  return written;
}

/** Returns the directories of loose objects and packs, and the one above them: gitrepository-layout(5). */
async function objectDirectories(objects: string): Promise<string[]> {
  const names = await readdir(objects);
  const found = names.filter((name) => name === "pack" || /^[0-9a-f]{2}$/.test(name));
  return [objects, ...found.map((name) => join(objects, name))];
}
