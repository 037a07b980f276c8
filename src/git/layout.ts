import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { RefreshError } from "../errors.js";
import type { RepositoryName } from "../model.js";

/** The file that says a directory is Lockstep's; without it nothing is ever deleted or rewritten. */
export const MARKER = "lockstep.json";

/** Inside the mirror that it speaks of: whatever takes that mirror's place is free of it. */
const CONDEMNED = "lockstep-condemned";

export const condemn = (mirror: string): void => writeFileSync(join(mirror, CONDEMNED), "");

export const isCondemned = (mirror: string): boolean => existsSync(join(mirror, CONDEMNED));

export interface Layout {
  repository(id: number): string;
  mirror(id: number): string;
  /** Where what is deleted goes first, by a rename: deleting takes time, and may be cut short. */
  readonly trash: string;
  /** The public name of a mirror: a symlink. */
  link(name: RepositoryName): string;
}

export const createLayout = (dataDir: string): Layout => ({
  repository: (id) => join(dataDir, "repos", String(id)),
  mirror: (id) => join(dataDir, "repos", String(id), "mirror.git"),
  trash: join(dataDir, "trash"),
  link: ({ owner, name }) => join(dataDir, "mirrors", owner, `${name}.git`),
});

export const writeMarker = (dir: string, repositoryId: number): void =>
  writeFileSync(join(dir, MARKER), `${JSON.stringify({ program: "lockstep", version: 1, repositoryId })}\n`);

/**
 * - absent: there is nothing.
 * - ours: a finished mirror of this repository, or what is left of one.
 * - wrong: Lockstep's too, but of another repository; it may be replaced.
 * - foreign: something of someone else's.
 */
export function ownership(dir: string, repositoryId: number): "absent" | "ours" | "wrong" | "foreign" {
  if (!lstatSync(dir, { throwIfNoEntry: false })) return "absent";
  try {
    const marker = JSON.parse(readFileSync(join(dir, MARKER), "utf8")) as Record<string, unknown>;
    if (marker.program !== "lockstep") return "foreign";
    return marker.repositoryId === repositoryId ? "ours" : "wrong";
  } catch {
    return "foreign";
  }
}

/** Puts a finished mirror in the place of the old one, which serves until then. */
export function swapIn(fresh: string, place: string): void {
  const old = `${place}.old`;
  rmSync(old, { recursive: true, force: true });
  if (lstatSync(place, { throwIfNoEntry: false })) renameSync(place, old);
  renameSync(fresh, place);
  rmSync(old, { recursive: true, force: true });
}

/** Undoes a swap that was cut between its two renames. */
export function finishSwap(place: string): void {
  const old = `${place}.old`;
  if (!lstatSync(old, { throwIfNoEntry: false })) return;
  if (lstatSync(place, { throwIfNoEntry: false })) rmSync(old, { recursive: true, force: true });
  else renameSync(old, place);
}

/**
 * Points the name at the mirror, atomically: symlink beside, then rename(2).
 * @throws RefreshError `foreign` when something that is not a link has the name.
 */
export function link(layout: Layout, id: number, name: RepositoryName): void {
  const path = layout.link(name);
  const target = relative(dirname(path), layout.mirror(id));
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSymbolicLink())
    throw new RefreshError("foreign", `${path} is not a link of Lockstep's`);
  if (found && readlinkSync(path) === target) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  const beside = `${path}.${process.pid}.tmp`;
  rmSync(beside, { force: true });
  symlinkSync(target, beside);
  renameSync(beside, path);
}

/** Takes a former name away, unless it already belongs to another repository. */
export function unlink(layout: Layout, id: number, name: RepositoryName): void {
  const path = layout.link(name);
  const target = relative(dirname(path), layout.mirror(id));
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isSymbolicLink() || readlinkSync(path) !== target) return;
  rmSync(path);
  try {
    rmdirSync(dirname(path)); // the owner's last one
  } catch {
    // others are left
  }
}

/**
 * Takes all that a repository has here away; the disk space follows. Only its writer may.
 * @returns false: its mirror is not Lockstep's, everything is left alone.
 */
export function discard(layout: Layout, id: number): boolean {
  const directory = layout.repository(id);
  const owner = ownership(layout.mirror(id), id);
  if (owner === "foreign" || owner === "wrong") return false;
  if (!lstatSync(directory, { throwIfNoEntry: false })) return true;
  mkdirSync(layout.trash, { recursive: true, mode: 0o750 });
  renameSync(directory, join(layout.trash, `${id}-${randomBytes(8).toString("hex")}`));
  void emptyTrash(layout);
  return true;
}

/** Also at start: a process that ended may have left some. Never throws. */
export async function emptyTrash(layout: Layout): Promise<void> {
  const names = await readdir(layout.trash).catch(() => []);
  const options = { recursive: true, force: true, maxRetries: 3 };
  await Promise.all(names.map((name) => rm(join(layout.trash, name), options).catch(() => {})));
}
