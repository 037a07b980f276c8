import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { prove } from "../../../src/git/objects/connected.js";
import { createBudget, type GitObject, LeftToGit, nameOf } from "../../../src/git/objects/object.js";
import { readPack } from "../../../src/git/objects/received.js";
import { createReadStored } from "../../../src/git/objects/stored.js";
import { bareRepository, plainGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";
import { longestTurn } from "../../support/turns.js";

const MAX_TURN_MS = 50;

const BLOB = object("blob", "content\n");
const TREE = treeOf([["100644", "a", BLOB]]);
const BASE = commitOf(TREE, []);

function object(type: GitObject["type"], content: string): GitObject {
  return { type, content: Buffer.from(content) };
}

function treeOf(entries: [mode: string, name: string, of: GitObject][]): GitObject {
  const parts = entries.flatMap(([mode, name, of]) => [
    Buffer.from(`${mode} ${name}\0`),
    Buffer.from(nameOf(of), "hex"),
  ]);
  return { type: "tree", content: Buffer.concat(parts) };
}

function commitOf(tree: GitObject, parents: GitObject[], message = "x"): GitObject {
  const lines = parents.map((parent) => `parent ${nameOf(parent)}\n`).join("");
  const person = "T <t@example.com> 1700000000 +0000";
  return object(
    "commit",
    `tree ${nameOf(tree)}\n${lines}author ${person}\ncommitter ${person}\n\n${message}\n`,
  );
}

/** Proves the first of the received objects, on top of stored ones. */
function proving(received: GitObject[], stored = [BASE, TREE, BLOB]) {
  const byName = (all: GitObject[]) => new Map(all.map((one) => [nameOf(one), one]));
  const inMirror = byName(stored);
  const readStored = async (name: string) => {
    const found = inMirror.get(name);
    if (!found) throw new LeftToGit("it is not in the mirror");
    return found;
  };
  return prove(byName(received), { want: nameOf(received[0]!), base: nameOf(stored[0]!), readStored });
}

test("a tree that git does not walk is not proven: an entry without a name", async () => {
  const tree = treeOf([["100644", "", BLOB]]);
  await expect(proving([commitOf(tree, [BASE]), tree])).rejects.toThrow(LeftToGit);
  const { dir } = bareRepository();
  const add = ({ type, content }: GitObject) =>
    execFileSync("git", ["--git-dir", dir, "hash-object", "-w", "--literally", "--stdin", "-t", type], {
      input: content,
    });
  for (const one of [BLOB, TREE, BASE, tree]) add(one);
  const want = String(add(commitOf(tree, [BASE]))).trim();
  expect(() => plainGit(dir, "rev-list", "--objects", want)).toThrow(/empty filename/);
});

test("a commit with thousands of parents is left to git, with few bytes held", async () => {
  const long = commitOf(TREE, [BASE], "m".repeat(400_000));
  const merge = commitOf(TREE, Array(500).fill(long));
  const before = process.memoryUsage().heapUsed;
  const turnMs = await longestTurn(async () => {
    await expect(proving([merge, long])).rejects.toThrow(LeftToGit);
  });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 25);
  expect(turnMs).toBeLessThan(MAX_TURN_MS);
});

test("trees that are walked again and again are left to git", async () => {
  const wide = treeOf(Array.from({ length: 12_000 }, (_, n) => ["100644", `file-${n}`, BLOB]));
  const bases = Array.from({ length: 12 }, (_, n) => ["40000", `d${n}`, wide] as [string, string, GitObject]);
  const top = treeOf(bases);
  const base = commitOf(top, []);
  const subtrees = bases.map((_, n) => treeOf([["100644", `new-${n}`, BLOB]]));
  const changed = treeOf(subtrees.map((tree, n) => ["40000", `d${n}`, tree]));
  const want = commitOf(changed, [base]);
  const proof = proving([want, changed, ...subtrees], [base, top, wide, BLOB]);
  await expect(proof).rejects.toThrow("more to read");
});

test("large new trees do not hold up other work", async () => {
  const large = Array.from({ length: 7 }, (_, n) =>
    treeOf([["100644", `${n}`, BLOB], ...Array(16_000).fill(["100644", "a", BLOB])]),
  );
  const top = treeOf(large.map((tree, n) => ["40000", `d${n}`, tree]));
  const turnMs = await longestTurn(async () => {
    expect((await proving([commitOf(top, [BASE]), top, ...large])).isProven).toBe(true);
  });
  expect(turnMs).toBeLessThan(MAX_TURN_MS);
});

/** A number as differences and packs have it: seven bits in each byte, the lowest first. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}

/** An entry that has a difference to an object by its name. */
function differenceEntry(base: string, difference: Buffer): Buffer {
  const size = difference.length;
  const [low, rest] = [size & 15, Math.floor(size / 16)];
  const header = rest === 0 ? [(7 << 4) | low] : [0x80 | (7 << 4) | low, ...varint(rest)];
  return Buffer.concat([Buffer.from(header), Buffer.from(base, "hex"), deflateSync(difference)]);
}

function packOfEntries(entries: Buffer[]): Buffer {
  const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
  head.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

test("a difference of hundreds of thousands of commands is left to git", async () => {
  const base = object("blob", "b".repeat(1_000));
  const commands = 260_000;
  // Copy one byte from the base's start, each.
  const difference = Buffer.concat([
    Buffer.from([...varint(1_000), ...varint(commands)]),
    Buffer.from(Array(commands).fill([0x90, 1]).flat()),
  ]);
  const pack = packOfEntries(Array(3).fill(differenceEntry(nameOf(base), difference)));
  await expect(readPack(pack, createBudget(), async () => base)).rejects.toThrow("difference is long");
});

test("a large loose file is not read", async () => {
  const objects = tempDir();
  const name = "0123456789".repeat(4);
  mkdirSync(join(objects, "01"));
  const path = join(objects, "01", name.slice(2));
  writeFileSync(path, "");
  // Node.js refuses to read so many bytes at once, so that it is seen whether they were looked at.
  truncateSync(path, 3 * 2 ** 30);
  await expect(createReadStored(objects, createBudget())(name)).rejects.toThrow("an object is large");
});
