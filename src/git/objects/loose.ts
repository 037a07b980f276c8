import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants, deflate, deflateSync } from "node:zlib";
import { syncPaths, writeSynced } from "../../machine/durable.js";
import { type GitObject, headerOf } from "./object.js";

/** git, too, prefers speed for loose objects: git-config(1), core.looseCompression. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };
/** What is longer is compressed in another thread. */
const MAX_AT_ONCE = 16 * 1024;
const deflateElsewhere = promisify<Buffer, typeof COMPRESSION, Buffer>(deflate);

/**
 * Stores objects as git stores loose ones: beside, then fsync, then rename. All are on disk when the call returns. An
 * object that is there already is written again, so that a damaged file is no object of this push.
 * @param objects such as `mirror.git/objects`
 * @param all in an order in which no object comes before what it needs
 */
export async function writeLoose(
  objects: string,
  all: Iterable<readonly [string, GitObject]>,
): Promise<void> {
  const directories = new Set<string>();
  for (const [name, object] of all) {
    const directory = join(objects, name.slice(0, 2));
    // A new directory's name is in the one above.
    if ((await mkdir(directory, { recursive: true })) !== undefined) directories.add(dirname(directory));
    await writeOne(directory, name, object);
    directories.add(directory);
  }
  await syncPaths(directories);
}

async function writeOne(directory: string, name: string, { type, content }: GitObject): Promise<void> {
  const raw = Buffer.concat([Buffer.from(headerOf(type, content.length)), content]);
  const bytes =
    raw.length > MAX_AT_ONCE ? await deflateElsewhere(raw, COMPRESSION) : deflateSync(raw, COMPRESSION);
  // git's own temporary files have such names, too, and what a kill leaves of them is cleared.
  const beside = join(directory, `tmp_obj_${randomBytes(6).toString("hex")}`);
  try {
    await writeSynced(beside, bytes, { mode: 0o444 });
    await rename(beside, join(directory, name.slice(2)));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
