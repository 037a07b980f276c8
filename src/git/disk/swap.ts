import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createHolders } from "../../base/holders.js";
import { nextTurn } from "../../base/slices.js";
import { syncPath } from "../../machine/durable.js";
import { type Layout, linkTarget, pointLink, toTrash } from "./layout.js";
import { MARKER, VERSION } from "./marker.js";

/** Programs that were reading a mirror when it was replaced may finish within this time. */
const READERS_MS = 60_000;
/** Other work gets a turn after this many repositories. */
const AT_A_TIME = 200;

/** Replaced mirrors that readers may still use. */
const leaving = new Set<string>();

/** The directories that readers of this process use. */
const readers = createHolders<string>();

/**
 * Keeps a mirror's directory while this process reads it, also when the mirror is replaced: git opens objects when it
 * needs them. @returns what ends that
 */
export const holdVersion = (dir: string): (() => void) => readers.hold(dir);

const newVersion = (repositoryDir: string): string =>
  join(repositoryDir, `m-${randomBytes(4).toString("hex")}`);

/**
 * Puts a finished mirror, whose files are on disk, in the place of the old one: the mirror's path is a link,
 * which is replaced by rename(2), so there is no moment without a mirror. The old mirror is deleted a minute
 * later.
 * @param place the mirror's path
 */
export async function swapIn(layout: Layout, fresh: string, place: string): Promise<void> {
  const dir = dirname(place);
  finishSwap(layout, place);
  moveAside(place);
  const former = linkTarget(place);
  const target = newVersion(dir);
  await rename(fresh, target);
  // The directory must have its name before a link leads there.
  await syncPath(dir);
  pointLink(place, target);
  await syncPath(dir);
  // A directory elsewhere, to which an operator has made a link, stays.
  if (former !== null && dirname(former) === dir) retire(layout, former);
}

function retire(layout: Layout, former: string): void {
  leaving.add(former);
  const remove = () => {
    if (readers.isHeld(former)) return void setTimeout(remove, READERS_MS).unref();
    leaving.delete(former);
    try {
      toTrash(layout, former);
    } catch {
      // The mirror's first use after the next start tries again.
    }
  };
  setTimeout(remove, READERS_MS).unref();
}

/**
 * Completes a swap that was interrupted, and turns a mirror of an earlier Lockstep, a directory at the mirror's
 * own path, into a link to that directory. No git may run in the mirror.
 */
export function finishSwap(layout: Layout, place: string): void {
  const old = `${place}.old`;
  if (lstatSync(old, { throwIfNoEntry: false })) {
    // An earlier Lockstep renamed the old mirror, then the new one.
    if (lstatSync(place, { throwIfNoEntry: false })) toTrash(layout, old);
    else renameSync(old, place);
  }
  if (existsSync(join(place, MARKER))) moveAside(place);
  if (statSync(place, { throwIfNoEntry: false })) return;
  // The process was killed after it had moved the directory, or somebody removed the link.
  const found = newestVersion(dirname(place));
  if (found !== null) pointLink(place, found);
  else if (linkTarget(place) !== null) rmSync(place);
}

/** Gives a mirror that is a directory at its own path a directory of its own, and makes the path a link. */
function moveAside(place: string): void {
  if (!lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) return;
  const target = newVersion(dirname(place));
  renameSync(place, target);
  pointLink(place, target);
}

/** Returns the finished mirror that was made last; null: there is none. */
function newestVersion(repositoryDir: string): string | null {
  const [newest = null] = versionsIn(repositoryDir)
    .filter((path) => existsSync(join(path, MARKER)))
    .sort((a, b) => statSync(join(b, MARKER)).mtimeMs - statSync(join(a, MARKER)).mtimeMs);
  return newest;
}

function versionsIn(repositoryDir: string): string[] {
  if (!existsSync(repositoryDir)) return [];
  return readdirSync(repositoryDir)
    .filter((name) => VERSION.test(name))
    .map((name) => join(repositoryDir, name));
}

/** Removes directories of mirrors that no link leads to, once no reader can use them. */
export function clearOldVersions(layout: Layout, place: string): void {
  const current = linkTarget(place);
  if (current === null) return;
  for (const path of versionsIn(dirname(place)))
    if (path !== current && !leaving.has(path)) toTrash(layout, path);
}

/** Brings every mirror into the form of this version; the call must come before anything uses a mirror. */
export async function convertMirrors(layout: Layout): Promise<void> {
  const names = await readdir(layout.repositories).catch(() => []);
  for (const [n, name] of names.filter((it) => /^\d+$/.test(it)).entries()) {
    if (n % AT_A_TIME === 0) await nextTurn();
    const place = layout.mirror(Number(name));
    if (basename(dirname(place)) === name) finishSwap(layout, place);
  }
}
