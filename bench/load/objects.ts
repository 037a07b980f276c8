import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

/** A git object in a form that goes into a pack. gitformat-pack(5) */
export interface PackedObject {
  name: string;
  bytes: Buffer;
}

/** The types of objects in a pack. */
const TYPES = { commit: 1, tree: 2, blob: 3 } as const;

function packedObject(type: keyof typeof TYPES, content: Buffer): PackedObject {
  const name = createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
  return { name, bytes: Buffer.concat([entryHeader(TYPES[type], content.length), deflateSync(content)]) };
}

/** The type and four bits of the size, then seven bits of the size in each byte. */
function entryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = size >> 4; rest > 0; rest >>= 7) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

export function packOf(objects: readonly PackedObject[]): Buffer {
  const header = Buffer.from("PACK\0\0\0\0\0\0\0\0", "latin1");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objects.length, 8);
  const body = Buffer.concat([header, ...objects.map(({ bytes }) => bytes)]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

/** Makes a commit with one changed file. @returns its name, and the three objects that bring it */
export function makeCommit(parent: string, text: string): { commit: string; objects: PackedObject[] } {
  const blob = packedObject("blob", Buffer.from(text));
  const entry = Buffer.concat([Buffer.from("100644 change.txt\0"), Buffer.from(blob.name, "hex")]);
  const tree = packedObject("tree", entry);
  const mona = `Mona <mona@example.com> ${Math.floor(Date.now() / 1000)} +0000`;
  const lines = [
    `tree ${tree.name}`,
    `parent ${parent}`,
    `author ${mona}`,
    `committer ${mona}`,
    "",
    "Change\n",
  ];
  const commit = packedObject("commit", Buffer.from(lines.join("\n")));
  return { commit: commit.name, objects: [commit, tree, blob] };
}
