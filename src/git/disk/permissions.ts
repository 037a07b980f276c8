import { accessSync, chmodSync, lstatSync, renameSync, type Stats } from "node:fs";
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { RefreshError } from "../../base/errors.js";

/** A directory's owner may do everything in it. */
const OWNERS = 0o700;

/** rename(2) writes a directory's `..` anew: one that may not be written to, somebody's chmod say, is made ours first. */
export function moveAway(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const found = lstatSync(from);
    if (!isDenied(error) || !found.isDirectory() || isOurs(found)) throw error;
    chmodSync(from, ours(found));
    renameSync(from, to);
  }
}

/**
 * Deletes what is there, also in directories that may not be written to or read.
 * @throws RefreshError `permission` for what must not be deleted whatever its mode
 */
export async function deleteAll(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(path, options);
  } catch (first) {
    if (!isDenied(first)) throw first;
    try {
      await makeOurs(Buffer.from(path));
      await rm(path, options);
    } catch (error) {
      if (!isDenied(error)) throw error;
      const where = (error as NodeJS.ErrnoException).path ?? path;
      throw new RefreshError("permission", `${path} cannot be deleted, for ${where}`, { cause: error });
    }
  }
}

/** From the top down, as what is in a directory is only seen once that can be read. Links are not followed. */
async function makeOurs(path: Buffer): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory()) return;
  if (!isOurs(found)) await chmod(path, ours(found));
  // Bytes, as a name need not be UTF-8.
  for (const entry of await readdir(path, { withFileTypes: true, encoding: "buffer" }))
    if (entry.isDirectory()) await makeOurs(Buffer.concat([path, Buffer.from("/"), entry.name]));
}

/** @param mode as in access(2); what is not there is not forbidden */
export function isForbidden(path: string | Buffer, mode: number): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    return isDenied(error);
  }
}

const isOurs = ({ mode }: Stats): boolean => (mode & OWNERS) === OWNERS;

const ours = ({ mode }: Stats): number => (mode & 0o7777) | OWNERS;

/** ENOTDIR: Node's rm takes a file that it must not unlink for a directory. */
const isDenied = (error: unknown): boolean =>
  ["EACCES", "EPERM", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
