import { inflateSync } from "node:zlib";
import { LeftToGit, MAX_OBJECT_BYTES, type ObjectType } from "./object.js";

/** An object as a pack has it: whole, or as its difference to another one. gitformat-pack(5) */
export interface Entry {
  kind: ObjectType | Delta;
  /** The size of the content, or of the difference, in bytes. */
  size: number;
  /** Where the compressed bytes begin. */
  dataAt: number;
}

/** By its distance to the base in the same pack, in bytes, or by the base's name. */
export type Delta = { distance: number } | { base: string };

const TYPES: Record<number, ObjectType> = { 1: "commit", 2: "tree", 3: "blob", 4: "tag" };
const OFS_DELTA = 6;
const REF_DELTA = 7;
const NAME_BYTES = 20;

/** @throws LeftToGit when the bytes are no entry, or end within its header */
export function readEntry(bytes: Buffer, from: number): Entry {
  let at = from;
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw new LeftToGit("an entry of a pack is cut off");
    return byte;
  };
  let byte = next();
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = next();
    size += (byte & 0x7f) * factor;
    if (size > MAX_OBJECT_BYTES) throw new LeftToGit("an entry of a pack is large");
  }
  if (type === OFS_DELTA) return { kind: { distance: readDistance(next) }, size, dataAt: at };
  if (type === REF_DELTA) {
    const base = bytes.toString("hex", at, at + NAME_BYTES);
    return { kind: { base }, size, dataAt: at + NAME_BYTES };
  }
  const kind = TYPES[type];
  if (!kind) throw new LeftToGit("an entry of a pack has an unknown type");
  return { kind, size, dataAt: at };
}

function readDistance(next: () => number): number {
  let byte = next();
  let distance = byte & 0x7f;
  while (byte & 0x80) {
    byte = next();
    distance = (distance + 1) * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(distance)) throw new LeftToGit("a base is too far away");
  }
  return distance;
}

/** Node's zlib says how much of its input was used when it is asked for its engine. */
interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

const SMALLEST_CHUNK = 64;

/** @returns the bytes, and how long they were when compressed @throws LeftToGit when they are not exactly `size` bytes */
export function inflateAt(bytes: Buffer, at: number, size: number): { content: Buffer; length: number } {
  try {
    const options = { info: true, chunkSize: Math.max(size + 1, SMALLEST_CHUNK), maxOutputLength: size + 1 };
    const { buffer, engine } = inflateSync(bytes.subarray(at), options) as unknown as Inflated;
    if (buffer.length === size) return { content: buffer, length: engine.bytesWritten };
  } catch {
    // What is wrong with the bytes is for git to say.
  }
  throw new LeftToGit("an object does not unpack to its size");
}
