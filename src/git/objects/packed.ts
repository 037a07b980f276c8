import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { beginSlice } from "../../base/slices.js";
import { applyDelta } from "./delta.js";
import { inflateAt, readEntry } from "./entry.js";
import { type Budget, createBudget, type GitObject, LeftToGit } from "./object.js";
import { findInIndex } from "./pack-index.js";

/** A mirror that is maintained has fewer packs. */
const MAX_PACKS = 60;
/** Longer chains of differences are as good as never written: git-config(1), pack.depth. */
const MAX_CHAIN = 250;
/** Most entries are shorter, header and all. */
const FIRST_READ = 4_096;
/** The longest header of an entry: type, size and base. */
const MAX_HEADER = 32;

/**
 * Reads an object from the packs of an object store.
 * @param budget for all that the object is made of: a chain of long differences is git's to read
 * @returns null: no pack has it @throws LeftToGit when a pack cannot be read
 */
export async function readPacked(
  objects: string,
  name: string,
  budget = createBudget(),
): Promise<GitObject | null> {
  try {
    const dir = join(objects, "pack");
    const indices = (await readdir(dir)).filter((file) => file.endsWith(".idx"));
    if (indices.length > MAX_PACKS) throw new LeftToGit("the mirror has many packs");
    for (const index of indices) {
      const offset = await withFile(join(dir, index), (file) => findInIndex(file, name));
      if (offset === null) continue;
      const pack = join(dir, index.replace(/idx$/, "pack"));
      return await withFile(pack, (file) => readChain(file, { objects, offset, budget }));
    }
    return null;
  } catch (error) {
    if (error instanceof LeftToGit) throw error;
    // Maintenance may replace packs while they are looked through.
    throw new LeftToGit(`the object ${name} cannot be read`, { cause: error });
  }
}

async function withFile<T>(path: string, act: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    return await act(file);
  } finally {
    await file.close();
  }
}

interface Packed {
  objects: string;
  offset: number;
  budget: Budget;
}

async function readChain(file: FileHandle, { objects, offset, budget }: Packed): Promise<GitObject> {
  const differences: Buffer[] = [];
  for (let at = offset; differences.length < MAX_CHAIN; ) {
    const { kind, content } = await readAtOffset(file, at, budget);
    if (typeof kind === "string") return { type: kind, content: await rebuilt(content, differences) };
    differences.push(content);
    if ("distance" in kind) at -= kind.distance;
    else {
      const base = await readPacked(objects, kind.base, budget);
      if (!base) throw new LeftToGit("a base is not where a pack says");
      return { type: base.type, content: await rebuilt(base.content, differences) };
    }
    if (at <= 0) throw new LeftToGit("a base is not where a pack says");
  }
  throw new LeftToGit("an object is at the end of a long chain");
}

async function rebuilt(base: Buffer, differences: Buffer[]): Promise<Buffer> {
  const slice = beginSlice();
  let content = base;
  for (const difference of differences.toReversed()) {
    content = applyDelta(content, difference);
    if (slice.isOver()) await slice.next();
  }
  return content;
}

async function readAtOffset(file: FileHandle, at: number, budget: Budget) {
  let bytes = await readSome(file, at, FIRST_READ);
  const { kind, size, dataAt } = readEntry(bytes, 0);
  budget.take(size);
  const longest = MAX_HEADER + longestCompressed(size);
  if (longest > FIRST_READ) bytes = await readSome(file, at, longest);
  return { kind, content: inflateAt(bytes, dataAt, size).content };
}

/** @returns the bytes up to there, or to the end of the file */
async function readSome(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** What zlib cannot compress gets a little longer: deflateBound in zlib.h */
const longestCompressed = (size: number): number => size + (size >> 8) + 64;
