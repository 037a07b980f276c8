import { accessSync, chmodSync, lstatSync, renameSync, type Stats } from "node:fs";
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { RefreshError } from "../../base/errors.js";

/** The owner of a directory may do everything in it. */
const OWNERS = 0o700;

/**
 * Renames a directory. rename(2) rewrites a directory's `..`, so a directory without write permission (after
 * somebody's chmod, say) first gets its owner's permissions.
 */
export function moveAway(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const found = lstatSync(from);
    if (!isDenied(error) || !found.isDirectory() || hasOwnersPermissions(found)) throw error;
    chmodSync(from, withOwnersPermissions(found));
    renameSync(from, to);
  }
}

/**
 * Deletes a path, also inside directories that may not be written to or read.
 * @throws RefreshError `permission` for a path that must not be deleted whatever its mode
 */
export async function deleteAll(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(path, options);
  } catch (first) {
    if (!isDenied(first)) throw first;
    try {
      await makeAccessible(Buffer.from(path));
      await rm(path, options);
    } catch (error) {
      if (!isDenied(error)) throw error;
      const where = (error as NodeJS.ErrnoException).path ?? path;
      throw new RefreshError("permission", `${path} cannot be deleted, for ${where}`, { cause: error });
    }
  }
}

/**
 * Gives the owner all permissions, from the top down, because a directory's entries are only seen once it can
 * be read. Links are not followed.
 */
async function makeAccessible(path: Buffer): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory()) return;
  if (!hasOwnersPermissions(found)) await chmod(path, withOwnersPermissions(found));
  // Entries are read as bytes, since a name need not be UTF-8.
  for (const entry of await readdir(path, { withFileTypes: true, encoding: "buffer" }))
    if (entry.isDirectory()) await makeAccessible(Buffer.concat([path, Buffer.from("/"), entry.name]));
}

/** @param mode as in access(2) @returns false for a missing path too */
export function isForbidden(path: string | Buffer, mode: number): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    return isDenied(error);
  }
}

const hasOwnersPermissions = ({ mode }: Stats): boolean => (mode & OWNERS) === OWNERS;

const withOwnersPermissions = ({ mode }: Stats): number => (mode & 0o7777) | OWNERS;

/** ENOTDIR: Node's rm treats a file that it must not unlink as a directory. */
const isDenied = (error: unknown): boolean =>
  ["EACCES", "EPERM", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
