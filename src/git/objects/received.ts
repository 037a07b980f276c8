import { createHash } from "node:crypto";
import { beginSlice } from "../../base/slices.js";
import { applyDelta } from "./delta.js";
import { inflateAt, readEntry } from "./entry.js";
import { type Budget, type GitObject, LeftToGit, nameOf } from "./object.js";

/** The objects of a pack, by name. */
export type Received = ReadonlyMap<string, GitObject>;

const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 20;
/** As many objects git, too, stores one by one: git-config(1), fetch.unpackLimit. */
const MAX_OBJECTS = 99;

/**
 * Reads a small pack, as it was sent.
 * @param readStored returns an object that the mirror has, which a difference may build on
 * @throws LeftToGit when the pack is cut off, damaged or large
 */
export async function readPack(
  pack: Buffer,
  budget: Budget,
  readStored: (name: string) => Promise<GitObject>,
): Promise<Received> {
  const count = countOf(pack);
  const end = pack.length - CHECKSUM_BYTES;
  const byName = new Map<string, GitObject>();
  const byOffset = new Map<number, GitObject>();
  const slice = beginSlice();
  let at = HEADER_BYTES;
  for (let n = 0; n < count; n++) {
    const { kind, size, dataAt } = readEntry(pack, at);
    budget.take(size);
    const { content, length } = inflateAt(pack.subarray(0, end), dataAt, size);
    const object = typeof kind === "string" ? { type: kind, content } : await resolve(kind, content, at);
    byOffset.set(at, object);
    byName.set(nameOf(object), object);
    at = dataAt + length;
    if (slice.isOver()) await slice.next();
  }
  if (at !== end) throw new LeftToGit("a pack has bytes after its objects");
  return byName;

  /** A base by name may stand after what builds on it, as git never writes it: such a pack is git's to read. */
  async function resolve(
    delta: { distance: number } | { base: string },
    difference: Buffer,
    from: number,
  ): Promise<GitObject> {
    const base =
      "distance" in delta
        ? byOffset.get(from - delta.distance)
        : (byName.get(delta.base) ?? (await readStored(delta.base)));
    if (!base) throw new LeftToGit("a base is not where a pack says");
    const content = applyDelta(base.content, difference);
    budget.take(content.length);
    return { type: base.type, content };
  }
}

/** @returns the number of objects */
function countOf(pack: Buffer): number {
  const isPack = pack.length >= HEADER_BYTES + CHECKSUM_BYTES && pack.toString("latin1", 0, 4) === "PACK";
  if (!isPack || pack.readUInt32BE(4) !== 2) throw new LeftToGit("what was received is no pack of version 2");
  const sum = createHash("sha1").update(pack.subarray(0, -CHECKSUM_BYTES)).digest();
  if (!sum.equals(pack.subarray(-CHECKSUM_BYTES)))
    throw new LeftToGit("a pack's checksum is not that of its bytes");
  const count = pack.readUInt32BE(8);
  if (count > MAX_OBJECTS) throw new LeftToGit(`a pack has ${count} objects`);
  return count;
}
