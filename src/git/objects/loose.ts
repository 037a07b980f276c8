import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, deflate, deflateSync } from "node:zlib";
import { beginSlice } from "../../base/slices.js";
import { stageFile, syncDirectory } from "../../machine/small-files.js";
import { type GitObject, headerOf, LeftToGit } from "./object.js";

/** git, too, prefers speed for loose objects: git-config(1), core.looseCompression. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };
/** What is longer is compressed in another thread. */
const MAX_AT_ONCE = 16 * 1024;
/** Each attempt is met by another removal, which takes a whole run of git. */
const MAX_ATTEMPTS = 5;
const deflateElsewhere = promisify<Buffer, typeof COMPRESSION, Buffer>(deflate);

/**
 * Stores objects as git stores loose ones: beside, then fsync, then rename. All are on disk when the call returns. An
 * object that is there already is written again, so that a damaged file is no object of this push.
 * @param objects such as `mirror.git/objects`
 * @param all in an order in which no object comes before what it needs, unless none of them is proven: nothing relies on those
 */
export async function writeLoose(
  objects: string,
  all: Iterable<readonly [string, GitObject]>,
): Promise<void> {
  const directories = new Set<string>();
  const staged: Beside[] = [];
  const slice = beginSlice();
  try {
    for (const [name, object] of all) {
      const directory = join(objects, name.slice(0, 2));
      const bytes = await compressed(object);
      const { isNew, ...one } = stage(directory, name, bytes);
      staged.push(one);
      // A new directory's name is in the one above.
      if (isNew) directories.add(objects);
      directories.add(directory);
      if (slice.isOver()) await slice.next();
    }
    // Together they cost the file system one commit of its journal.
    await settled(staged.map(({ synced }) => synced));
    for (const { path, beside } of staged) renameSync(beside, path);
  } catch (error) {
    await Promise.allSettled(staged.map(({ synced }) => synced));
    for (const { beside } of staged) rmSync(beside, { force: true });
    if (codeOf(error) === "ENOENT")
      throw new LeftToGit("a directory of the mirror is gone", { cause: error });
    throw error;
  }
  await settled([...directories].map(syncDirectory));
}

/** An object's file, beside its place until it is on disk. */
interface Beside {
  beside: string;
  path: string;
  synced: Promise<void>;
}

/** Waits for all of them. @throws what the first one throws that fails */
async function settled(all: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(all)).find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
}

async function compressed({ type, content }: GitObject): Promise<Buffer> {
  const raw = Buffer.concat([Buffer.from(headerOf(type, content.length)), content]);
  return raw.length > MAX_AT_ONCE ? deflateElsewhere(raw, COMPRESSION) : deflateSync(raw, COMPRESSION);
}

/**
 * git removes directories of objects that are empty, such as one that was made a moment ago: git-prune-packed(1).
 * @throws Error with code ENOENT when there is no object store, or its directory stays gone
 */
function stage(directory: string, name: string, bytes: Buffer): Beside & { isNew: boolean } {
  // git's own temporary files have such names, too, and what a kill leaves of them is cleared.
  const beside = join(directory, `tmp_obj_${randomBytes(6).toString("hex")}`);
  let isNew = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const synced = stageFile(beside, bytes, { mode: 0o444 }).sync();
      // It is awaited with the others.
      synced.catch(() => {});
      return { beside, path: join(directory, name.slice(2)), synced, isNew };
    } catch (error) {
      if (codeOf(error) !== "ENOENT") rmSync(beside, { force: true });
      if (codeOf(error) !== "ENOENT" || attempt === MAX_ATTEMPTS) throw error;
      isNew = makeDirectory(directory) || isNew;
    }
  }
}

/** The directory above is the mirror's, and is not made: a mirror may have been removed. @returns whether it is new */
function makeDirectory(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
