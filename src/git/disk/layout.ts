import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { RefreshError } from "../../base/errors.js";
import type { RepositoryName } from "../../base/model.js";
import { fitName, NAME_BYTES } from "./file-name.js";
import { ownership } from "./marker.js";
import { deleteAll, moveAway } from "./permissions.js";

export { condemn, extentOf, isCondemned, MARKER, ownership, writeMarker } from "./marker.js";

export interface Layout {
  repository(id: number): string;
  /** The mirror's path is a link to the directory that has the mirror now, and stays the same. */
  mirror(id: number): string;
  /** What is deleted is first renamed into the trash: deleting takes time, and may be interrupted. */
  readonly trash: string;
  /** The directory of all repositories' directories, which have the repositories' ids as names. */
  readonly repositories: string;
  /** The directory of the mirrors' public names. */
  readonly links: string;
  /** The directory where answers to readers are made; nothing in it outlives the process. */
  readonly serving: string;
  /** The tally file changes with every pass of the backstop, and after mirrors have changed. */
  readonly tally: string;
  /** The public name of a mirror is a symlink. */
  link(name: RepositoryName): string;
  /** The directory of all trees of one checkout, which `slug` names. */
  trees(id: number, slug: string): string;
  /** The public name of a published tree is a symlink. @param slug empty for the default branch */
  checkout(name: RepositoryName, slug: string): string;
}

export const createLayout = (dataDir: string): Layout => ({
  repository: (id) => join(dataDir, "repos", String(id)),
  mirror: (id) => join(dataDir, "repos", String(id), "mirror.git"),
  trash: join(dataDir, "trash"),
  repositories: join(dataDir, "repos"),
  links: join(dataDir, "mirrors"),
  serving: join(dataDir, "serving"),
  tally: join(dataDir, "repos", ".tally"),
  link: ({ owner, name }) => join(dataDir, "mirrors", owner, `${name}.git`),
  // No repository's name has an @, so neither path can belong to another checkout.
  trees: (id, slug) => join(dataDir, "repos", String(id), "trees", fitName(slug || "@", NAME_BYTES)),
  checkout: ({ owner, name }, slug) =>
    join(dataDir, "checkouts", owner, name + fitName(slug, NAME_BYTES - name.length)),
});

/**
 * Points a public name at a directory, atomically: a symlink beside the name, then rename(2).
 * @throws RefreshError `foreign` when something that is not a link has the name.
 */
export function pointLink(path: string, directory: string): void {
  const target = relative(dirname(path), directory);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSymbolicLink())
    throw new RefreshError("foreign", `${path} is not a link that Lockstep made`);
  if (found && readlinkSync(path) === target) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  const beside = besideLink(path);
  rmSync(beside, { force: true });
  symlinkSync(target, beside);
  renameSync(beside, path);
}

/**
 * No repository's name begins with an @; a link that a killed process left is replaced by the next one. Two long
 * names may share this one, since nothing else runs between making the link and renaming it.
 */
const besideLink = (path: string): string => join(dirname(path), `@${basename(path)}`.slice(0, NAME_BYTES));

/** Removes a public name if the name points at this directory. */
export function dropLink(path: string, directory: string): void {
  rmSync(besideLink(path), { force: true });
  if (linkTarget(path) !== directory) return;
  rmSync(path);
  try {
    rmdirSync(dirname(path)); // succeeds when this was the owner's last link
  } catch {
    // The directory stays while it has links of the owner's other repositories.
  }
}

/** @returns the directory that a link names, without following it further; null: no link exists */
export function linkTarget(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? resolve(dirname(path), readlinkSync(path)) : null;
}

/**
 * Removes everything that a repository has in DATA_DIR; the disk space is freed later. Only the repository's
 * writer may call this.
 * @returns false: the mirror is not Lockstep's, and nothing was removed.
 */
export function discard(layout: Layout, id: number): boolean {
  const directory = layout.repository(id);
  const owner = ownership(layout.mirror(id), id);
  if (owner === "foreign" || owner === "wrong") return false;
  if (!lstatSync(directory, { throwIfNoEntry: false })) return true;
  toTrash(layout, directory);
  return true;
}

/** Renames a path into the trash. The path is gone at once for every reader, while deleting takes time. */
export function toTrash(layout: Layout, path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) return;
  mkdirSync(layout.trash, { recursive: true, mode: 0o750 });
  const unique = `-${randomBytes(8).toString("hex")}`;
  moveAway(path, join(layout.trash, basename(path).slice(0, NAME_BYTES - unique.length) + unique));
  void emptyTrash(layout);
}

/** The paths that could not be removed, and why. */
export interface Remains {
  path: string;
  error: unknown;
}

/**
 * Empties the trash, also at start, when an earlier process may have left some. Never throws. @returns what
 * remains, to be tried again
 */
export async function emptyTrash(layout: Layout): Promise<Remains[]> {
  const names = await readdir(layout.trash).catch(() => []);
  const paths = names.map((name) => join(layout.trash, name));
  const tried = await Promise.all(
    paths.map((path) =>
      deleteAll(path).then(
        () => [],
        (error: unknown) => [{ path, error }],
      ),
    ),
  );
  // Concurrent calls are possible, so a path that another call has deleted does not remain.
  return tried.flat().filter(({ path }) => existsSync(path));
}
