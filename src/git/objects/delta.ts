import { LeftToGit, MAX_OBJECT_BYTES } from "./object.js";

/** Differences up to this length take no time, in bytes. */
const MAX_SMALL = 4_096;

/** Makes an object of another one and of the difference between the two: gitformat-pack(5). @throws LeftToGit */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const reader = createReader(delta);
  if (reader.size() !== base.length) throw new LeftToGit("a difference is to an object of another size");
  const size = reader.size();
  if (size > MAX_OBJECT_BYTES) throw new LeftToGit("an object is large");
  // git writes no difference that saves so little, and a long one has hundreds of thousands of commands.
  if (delta.length > MAX_SMALL && delta.length > size / 2) throw new LeftToGit("a difference is long");
  const target = Buffer.alloc(size);
  let at = 0;
  const put = (bytes: Buffer) => {
    if (at + bytes.length > size) throw new LeftToGit("a difference makes too long an object");
    at += bytes.copy(target, at);
  };
  while (!reader.isAtEnd()) {
    const command = reader.byte();
    if (command & 0x80) {
      const from = reader.number(command, 4);
      const length = reader.number(command >> 4, 3) || 0x10000;
      if (from + length > base.length) throw new LeftToGit("a difference copies what its base does not have");
      put(base.subarray(from, from + length));
    } else if (command > 0) put(reader.bytes(command));
    else throw new LeftToGit("a difference has an unknown command");
  }
  if (at !== size) throw new LeftToGit("a difference makes too short an object");
  return target;
}

function createReader(delta: Buffer) {
  let at = 0;
  function byte(): number {
    const value = delta[at++];
    if (value === undefined) throw new LeftToGit("a difference is cut off");
    return value;
  }
  return {
    byte,
    isAtEnd: () => at >= delta.length,
    /** Seven bits in each byte, the lowest first. */
    size(): number {
      let [value, factor, part] = [0, 1, 0x80];
      for (; part & 0x80; factor *= 128) {
        part = byte();
        value += (part & 0x7f) * factor;
        if (value > MAX_OBJECT_BYTES) throw new LeftToGit("an object is large");
      }
      return value;
    },
    /** A number of up to so many bytes, of which those are there whose bits are set. */
    number(bits: number, count: number): number {
      let value = 0;
      for (let n = 0; n < count; n++) if (bits & (1 << n)) value += byte() * 256 ** n;
      return value;
    },
    bytes(count: number): Buffer {
      if (at + count > delta.length) throw new LeftToGit("a difference is cut off");
      at += count;
      return delta.subarray(at - count, at);
    },
  };
}
