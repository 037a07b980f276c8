import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { readSmallFile } from "../../machine/small-files.js";
import {
  type Budget,
  type GitObject,
  LeftToGit,
  MAX_OBJECT_BYTES,
  nameOf,
  type ObjectType,
} from "./object.js";
import { readPacked } from "./packed.js";

/** Reads objects of one object store, without git. What is read is what its name says. */
export type ReadStored = (name: string) => Promise<GitObject>;

/** Bytes of a loose object's header at most: `commit 1048576`, and a zero byte. */
const MAX_HEADER = 32;

/** @param objects such as `mirror.git/objects` @throws LeftToGit, from the function, for what cannot be read */
export function createReadStored(objects: string, budget: Budget): ReadStored {
  const known = new Map<string, GitObject>();
  return async (name) => {
    const before = known.get(name);
    if (before) return before;
    const object = readLoose(objects, name) ?? (await readPacked(objects, name));
    if (!object) throw new LeftToGit(`the object ${name} is not in the mirror`);
    if (nameOf(object) !== name) throw new LeftToGit(`the object ${name} is damaged`);
    budget.take(object.content.length);
    known.set(name, object);
    return object;
  };
}

/** @returns null: no file has the object */
function readLoose(objects: string, name: string): GitObject | null {
  let bytes: Buffer | null;
  try {
    bytes = readSmallFile(join(objects, name.slice(0, 2), name.slice(2)), { maxBytes: MAX_OBJECT_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new LeftToGit(`the object ${name} cannot be read`, { cause: error });
  }
  // A file of gigabytes must not be read to learn that it is large.
  if (bytes === null) throw new LeftToGit("an object is large");
  const all = inflate(bytes, name);
  const end = all.indexOf(0);
  const [, type, size] = /^(commit|tree|blob|tag) (\d+)$/.exec(all.toString("latin1", 0, end)) ?? [];
  const content = all.subarray(end + 1);
  if (type === undefined || content.length !== Number(size))
    throw new LeftToGit(`the object ${name} is damaged`);
  return { type: type as ObjectType, content };
}

function inflate(bytes: Buffer, name: string): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_OBJECT_BYTES + MAX_HEADER });
  } catch (error) {
    throw new LeftToGit(`the object ${name} cannot be unpacked`, { cause: error });
  }
}
