import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, deflate, deflateSync } from "node:zlib";
import { syncPaths, writeSynced } from "../../machine/durable.js";
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
  for (const [name, object] of all) {
    const directory = join(objects, name.slice(0, 2));
    const bytes = await compressed(object);
    // A new directory's name is in the one above.
    if (await writeOne(directory, name, bytes)) directories.add(objects);
    directories.add(directory);
  }
  await syncPaths(directories);
}

async function compressed({ type, content }: GitObject): Promise<Buffer> {
  const raw = Buffer.concat([Buffer.from(headerOf(type, content.length)), content]);
  return raw.length > MAX_AT_ONCE ? deflateElsewhere(raw, COMPRESSION) : deflateSync(raw, COMPRESSION);
}

/** @returns whether the directory is new @throws LeftToGit when there is no object store, or its directory stays gone */
async function writeOne(directory: string, name: string, bytes: Buffer): Promise<boolean> {
  // git's own temporary files have such names, too, and what a kill leaves of them is cleared.
  const beside = join(directory, `tmp_obj_${randomBytes(6).toString("hex")}`);
  try {
    const isNew = await writeInto(directory, beside, bytes);
    await rename(beside, join(directory, name.slice(2)));
    return isNew;
  } catch (error) {
    await rm(beside, { force: true });
    if (codeOf(error) === "ENOENT")
      throw new LeftToGit("a directory of the mirror is gone", { cause: error });
    throw error;
  }
}

/** git removes directories of objects that are empty, such as one that was made a moment ago: git-prune-packed(1). */
async function writeInto(directory: string, path: string, bytes: Buffer): Promise<boolean> {
  let isNew = false;
  for (let attempt = 1; ; attempt++) {
    isNew = (await makeDirectory(directory)) || isNew;
    try {
      await writeSynced(path, bytes, { mode: 0o444 });
      return isNew;
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** The directory above is the mirror's, and is not made: a mirror may have been removed. @returns whether it is new */
async function makeDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
