import { createHash } from "node:crypto";

export type ObjectType = "commit" | "tree" | "blob" | "tag";

export interface GitObject {
  type: ObjectType;
  content: Buffer;
}

/**
 * Thrown for whatever this place does not read or prove: rare, large, or not what git writes. git is asked instead, and
 * what is wrong is told by git.
 */
export class LeftToGit extends Error {
  override readonly name = "LeftToGit";
}

/** Returns the name of an object, by which alone it is stored and found: gitobjects in gitformat-pack(5). */
export const nameOf = ({ type, content }: GitObject): string =>
  createHash("sha1").update(headerOf(type, content.length)).update(content).digest("hex");

/** Returns what stands before an object's content in its hash, and in its file. */
export const headerOf = (type: ObjectType, size: number): string => `${type} ${size}\0`;

/** What may be read in one go, in bytes and objects. */
export interface Budget {
  /** Takes so many bytes of content. @throws LeftToGit when nothing is left */
  take(bytes: number): void;
}

/** An object larger than this is git's to read, in bytes: reading it must not block the event loop. */
export const MAX_OBJECT_BYTES = 2 ** 19;
const MAX_BYTES = 4 * 2 ** 20;
const MAX_OBJECTS = 500;

export function createBudget(): Budget {
  let [bytes, objects] = [MAX_BYTES, MAX_OBJECTS];
  return {
    take(size) {
      bytes -= size;
      objects -= 1;
      if (size > MAX_OBJECT_BYTES || bytes < 0 || objects < 0)
        throw new LeftToGit("there is more to read than a usual push has");
    },
  };
}
