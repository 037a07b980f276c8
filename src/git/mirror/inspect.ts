import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createInflate } from "node:zlib";
import PQueue from "p-queue";
import type { RunGit } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";
import { findBrokenPackedRef } from "./packed-refs.js";
import { readRefs } from "./refs.js";

/** Node.js has four threads for files. */
const AT_ONCE = 4;
/** An object may have been written while the last check ran, or by a clock that was behind. */
const SLACK_MS = 24 * 3_600_000;
/** These files of a git directory are never empty: gitrepository-layout(5). */
const NEVER_EMPTY = /^(?:HEAD|config|packed-refs|lockstep\.json)$/;
const NEVER_EMPTY_PACKS = /\.(?:pack|idx|rev|bitmap|mtimes)$|^multi-pack-index$/;

interface Inspection {
  git: RunGit;
  mirror: string;
  /** When all objects were last found to exist, in milliseconds since 1970; null: never. */
  checkedAt: number | null;
  signal: AbortSignal;
}

/**
 * Looks for what a power cut leaves behind: files that are empty, refs that cannot be read or whose object is
 * missing, a packed-refs that is not what git writes, and loose objects whose content is not what their name says. A check of connectivity by git finds
 * neither an empty tree file nor an empty blob file.
 * @returns what is broken; null: nothing
 * @throws RefreshError, or the system's error, when the answer is unknown
 */
export async function inspectMirror(inspection: Inspection): Promise<string | null> {
  return (
    (await findEmptyFile(inspection)) ??
    (await findBrokenObject(inspection)) ??
    (await findBrokenRef(inspection)) ??
    (await findBrokenPackedRef(inspection))
  );
}

async function findEmptyFile({ mirror }: Inspection): Promise<string | null> {
  const top = (await filesIn(mirror)).filter((path) => NEVER_EMPTY.test(basename(path)));
  const refs = (await filesIn(join(mirror, "refs"), { recursive: true })).filter(
    (path) => !path.endsWith(".lock"),
  );
  const packs = (await filesIn(join(mirror, "objects", "pack"))).filter((path) =>
    NEVER_EMPTY_PACKS.test(basename(path)),
  );
  const info = await filesIn(join(mirror, "objects", "info"), { recursive: true });
  const graphs = info.filter((path) => /graph/.test(basename(path)) && !path.endsWith(".lock"));
  return findFirst([...top, ...refs, ...packs, ...graphs], async (path) =>
    (await sizeAndTime(path))?.size === 0 ? `${path} is empty` : null,
  );
}

async function findBrokenObject({ mirror, checkedAt, signal }: Inspection): Promise<string | null> {
  const objects = join(mirror, "objects");
  const folders = (await readdir(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const since = (checkedAt ?? 0) - SLACK_MS;
  for (const folder of folders) {
    signal.throwIfAborted();
    const loose = (await filesIn(join(objects, folder))).filter((path) =>
      /^[0-9a-f]{38}$/.test(basename(path)),
    );
    const fault = await findFirst(loose, async (path) => {
      const found = await sizeAndTime(path);
      if (found === null || (found.size > 0 && found.mtimeMs < since)) return null;
      const isSound = found.size > 0 && (await hashOf(path)) === folder + basename(path);
      // A repack may have removed the file meanwhile.
      return isSound || (await sizeAndTime(path)) === null ? null : `${path} is not the object of its name`;
    });
    if (fault !== null) return fault;
  }
  return null;
}

async function findBrokenRef({ git, mirror, signal }: Inspection): Promise<string | null> {
  try {
    await readRefs(git, mirror, [], { signal });
    return null;
  } catch (error) {
    if (error instanceof GitFailure && error.code === "corrupt") return error.message;
    throw error;
  }
}

/** @returns the name that a loose object's content has; null: the content cannot be read */
async function hashOf(path: string): Promise<string | null> {
  const hash = createHash("sha1");
  try {
    await pipeline(createReadStream(path), createInflate(), hash);
    return hash.digest("hex");
  } catch (error) {
    // zlib's codes begin with Z_; any other failure says nothing about the file.
    if (/^Z_/.test((error as NodeJS.ErrnoException).code ?? "")) return null;
    if (isMissing(error)) return null;
    throw error;
  }
}

async function findFirst(
  paths: string[],
  check: (path: string) => Promise<string | null>,
): Promise<string | null> {
  const queue = new PQueue({ concurrency: AT_ONCE });
  let first: string | null = null;
  const checkOne = async (path: string) => {
    if (first === null) first = (await check(path)) ?? first;
  };
  await queue.addAll(paths.map((path) => () => checkOne(path)));
  return first;
}

/** @returns no paths when the directory does not exist */
async function filesIn(dir: string, { recursive = false } = {}): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true, recursive });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** @returns null: the file was removed meanwhile */
async function sizeAndTime(path: string): Promise<{ size: number; mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";
