import type { FileHandle } from "node:fs/promises";
import { LeftToGit } from "./object.js";

/** The layout of version 2: gitformat-pack(5). */
const MAGIC = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]);
const FANOUT_BYTES = 256 * 4;
const NAMES_AT = MAGIC.length + FANOUT_BYTES;
const NAME_BYTES = 20;
const CRC_BYTES = 4;
const OFFSET_BYTES = 4;
/** Offsets from here on are in a table of their own: the pack is larger than 2 GiB. */
const LARGE = 0x80000000;
/** So many names are read at once. */
const MAX_NAMES = 1_024;

/** @returns where the object begins in the pack; null: the pack does not have it @throws LeftToGit for another format */
export async function findInIndex(index: FileHandle, name: string): Promise<number | null> {
  const head = await readAt(index, 0, NAMES_AT);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC))
    throw new LeftToGit("the index of a pack is not of version 2");
  const wanted = Buffer.from(name, "hex");
  const upTo = (byte: number) => (byte < 0 ? 0 : head.readUInt32BE(MAGIC.length + byte * 4));
  let [low, high] = [upTo(wanted[0]! - 1), upTo(wanted[0]!)];
  while (high - low > MAX_NAMES) {
    const middle = (low + high) >> 1;
    const found = await readAt(index, NAMES_AT + middle * NAME_BYTES, NAME_BYTES);
    if (found.compare(wanted) <= 0) low = middle;
    else high = middle;
  }
  const names = await readAt(index, NAMES_AT + low * NAME_BYTES, (high - low) * NAME_BYTES);
  for (let at = 0; at < names.length; at += NAME_BYTES)
    if (names.compare(wanted, 0, NAME_BYTES, at, at + NAME_BYTES) === 0)
      return offsetOf(index, { nth: low + at / NAME_BYTES, count: upTo(255) });
  return null;
}

async function offsetOf(index: FileHandle, { nth, count }: { nth: number; count: number }): Promise<number> {
  const offsetsAt = NAMES_AT + count * (NAME_BYTES + CRC_BYTES);
  const offset = (await readAt(index, offsetsAt + nth * OFFSET_BYTES, OFFSET_BYTES)).readUInt32BE(0);
  if (offset < LARGE) return offset;
  const largeAt = offsetsAt + count * OFFSET_BYTES + (offset - LARGE) * 8;
  return Number((await readAt(index, largeAt, 8)).readBigUInt64BE(0));
}

/** @throws LeftToGit when the file ends before */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  if (bytesRead < length) throw new LeftToGit("a pack or its index is cut off");
  return buffer;
}
