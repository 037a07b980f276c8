import { createHash } from "node:crypto";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { prove } from "../../../src/git/objects/connected.js";
import { writeLoose } from "../../../src/git/objects/loose.js";
import { createBudget, LeftToGit } from "../../../src/git/objects/object.js";
import { readPack } from "../../../src/git/objects/received.js";
import { createReadStored } from "../../../src/git/objects/stored.js";
import { plainGit } from "../../support/git.js";
import { commitTo, file, mirrorBehind, newObjects, packFor, packOf } from "../../support/packs.js";

async function receive(mirror: string, pack: Buffer, want: string, base: string) {
  const budget = createBudget();
  const readStored = createReadStored(join(mirror, "objects"), budget);
  const received = await readPack(pack, budget, readStored);
  return { received, proof: await prove(received, { want, base, readStored }) };
}

/** Numbered lines, so that git sends what changed in them as differences. */
const lines = (seed: number, count: number): string =>
  Array.from({ length: count }, (_, n) => `line ${n} of ${n % 17 === 0 ? seed : 0}\n`).join("");

const tree = (seed: number): string =>
  ["a.txt", "dir/b.txt", "dir/deep/er/c.txt", "other/d.txt"]
    .map((path, n) => file(path, lines(seed + n, 300)))
    .join("");

test.each([
  ["differences to offsets in the pack and to names outside", []],
  ["no differences", ["--no-reuse-delta", "--depth=0", "--window=0"]],
])("a push of git's is read, proven and stored: %s", async (_, options) => {
  const { upstream, mirror, base } = mirrorBehind((dir) => {
    for (let n = 0; n < 5; n++) commitTo(dir, "main", tree(n), n === 0 ? "" : undefined);
  });
  plainGit(mirror, "repack", "-a", "-d", "-q", "--depth=50", "--window=50");
  let want = base;
  for (let n = 10; n < 13; n++) want = commitTo(upstream, "main", file("dir/deep/er/c.txt", lines(n, 300)));
  const pack = packFor(upstream, want, base, ...options);
  const { received, proof } = await receive(mirror, pack, want, base);
  expect([...received.keys()].sort()).toEqual(newObjects(upstream, want, base).sort());
  if (!proof.isProven) throw new Error("it is not proven");
  await writeLoose(join(mirror, "objects"), proof.needed);
  plainGit(mirror, "update-ref", "refs/heads/main", want);
  expect(plainGit(mirror, "fsck", "--full", "--strict")).toBe("");
  expect(plainGit(mirror, "count-objects")).toMatch(new RegExp(`^${received.size} objects`));
});

test("without any one of its objects, a push is never proven", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", tree(1), ""));
  commitTo(upstream, "main", file("dir/b.txt", "second\n"));
  const want = commitTo(upstream, "main", `${file("dir/deep/new", "third\n")}${file("top", "fourth\n")}`);
  const all = newObjects(upstream, want, base);
  expect((await receive(mirror, packOf(upstream, all), want, base)).proof.isProven).toBe(true);
  for (const missing of all) {
    const pack = packOf(
      upstream,
      all.filter((name) => name !== missing),
    );
    const { proof } = await receive(mirror, pack, want, base);
    expect(proof.isProven, missing).toBe(false);
  }
});

test("what is in the mirror, but not in the base, proves nothing", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", tree(1), ""));
  // The other branch's tree is here without its file, as a fetch that broke off may leave it.
  commitTo(upstream, "other", file("elsewhere/x", "only there\n"), "refs/heads/main^0");
  const want = commitTo(upstream, "main", `${file("elsewhere/x", "only there\n")}${file("new", "n\n")}`);
  const [subtree, blob] = ["elsewhere", "elsewhere/x"].map((path) =>
    plainGit(upstream, "rev-parse", `${want}:${path}`),
  );
  const path = (name: string) => join("objects", name.slice(0, 2), name.slice(2));
  cpSync(join(upstream, "objects"), join(mirror, "objects"), { recursive: true });
  rmSync(join(mirror, path(blob!)));
  const sent = newObjects(upstream, want, base).filter((name) => name !== subtree && name !== blob);
  expect((await receive(mirror, packOf(upstream, sent), want, base)).proof.isProven).toBe(false);
});

test("a merge of a branch that began before the base is left to a longer walk", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => {
    const first = commitTo(dir, "main", tree(1), "");
    commitTo(dir, "main", file("a.txt", "later\n"));
    commitTo(dir, "topic", file("topic", "t\n"), first);
  });
  plainGit(mirror, "update-ref", "-d", "refs/heads/topic");
  const want = commitTo(upstream, "main", `merge refs/heads/topic^0\n${file("topic", "t\n")}`);
  const { proof } = await receive(mirror, packFor(upstream, want, base), want, base);
  expect(proof.isProven).toBe(false);
});

test.each([
  ["cut off", (pack: Buffer) => pack.subarray(0, -21)],
  ["with another byte", (pack: Buffer) => Buffer.from(pack.map((byte, at) => (at === 40 ? byte ^ 1 : byte)))],
  ["nothing", () => Buffer.alloc(0)],
  ["no pack", () => Buffer.from("x".repeat(64))],
])("a pack that is damaged is left to git: %s", async (_, damage) => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", tree(1), ""));
  const want = commitTo(upstream, "main", file("a.txt", "next\n"));
  const pack = damage(packFor(upstream, want, base));
  await expect(receive(mirror, pack, want, base)).rejects.toThrow(LeftToGit);
});

test("a pack of any bytes ends in an answer or is left to git", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", tree(1), ""));
  const want = commitTo(upstream, "main", file("dir/deep/er/c.txt", lines(9, 300)));
  const pack = packFor(upstream, want, base);
  const all = newObjects(upstream, want, base).sort();
  const flips = fc.array(fc.record({ at: fc.nat(pack.length - 21), to: fc.nat(255) }), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(flips, async (changes) => {
      const body = Buffer.from(pack.subarray(0, -20));
      for (const { at, to } of changes) body[at] = to;
      const signed = Buffer.concat([body, createHash("sha1").update(body).digest()]);
      const result = await receive(mirror, signed, want, base).catch((error: Error) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(LeftToGit);
      else if (result.proof.isProven) expect([...result.proof.needed.keys()].sort()).toEqual(all);
    }),
    { numRuns: 500 },
  );
});

test("what is large is left to git", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", tree(1), ""));
  // A few hundred bytes unpack to a megabyte.
  const bomb = commitTo(upstream, "main", file("zeros", "0".repeat(2 ** 20)));
  await expect(receive(mirror, packFor(upstream, bomb, base), bomb, base)).rejects.toThrow(
    /large|more to read/,
  );
  const many = Array.from({ length: 120 }, (_, n) => file(`many/${n}`, `${n}\n`)).join("");
  const wide = commitTo(upstream, "wide", many, base);
  await expect(receive(mirror, packFor(upstream, wide, base), wide, base)).rejects.toThrow(/objects/);
});

test("a damaged file of the mirror is not read as an object, and is written again when it comes in a push", async () => {
  const { upstream, mirror, base } = mirrorBehind((dir) => commitTo(dir, "main", file("a", "1\n"), ""));
  const want = commitTo(upstream, "main", file("b", "2\n"));
  const blob = plainGit(upstream, "rev-parse", `${want}:b`);
  const directory = join(mirror, "objects", blob.slice(0, 2));
  const objects = join(mirror, "objects");
  const { proof } = await receive(mirror, packFor(upstream, want, base), want, base);
  if (!proof.isProven) throw new Error("it is not proven");
  await writeLoose(objects, proof.needed);
  rmSync(join(directory, blob.slice(2)), { force: true });
  writeFileSync(join(directory, blob.slice(2)), "");
  await expect(createReadStored(objects, createBudget())(blob)).rejects.toThrow(LeftToGit);
  await writeLoose(objects, proof.needed);
  expect(plainGit(mirror, "cat-file", "blob", blob)).toBe("2");
  expect(readdirSync(directory).filter((name) => name.startsWith("tmp_"))).toEqual([]);
});

test("objects of packs are found by name, whichever pack has them", async () => {
  const { mirror } = mirrorBehind((dir) => {
    for (let n = 0; n < 20; n++) commitTo(dir, "main", tree(n), n === 0 ? "" : undefined);
  });
  plainGit(mirror, "repack", "-a", "-d", "-q", "--depth=50", "--window=50");
  const readStored = createReadStored(join(mirror, "objects"), { take() {} });
  for (const name of newObjects(mirror, "main", plainGit(mirror, "rev-parse", "main~19"))) {
    const { type, content } = await readStored(name);
    expect(type).toBe(plainGit(mirror, "cat-file", "-t", name));
    expect(content.length).toBe(Number(plainGit(mirror, "cat-file", "-s", name)));
  }
  await expect(readStored("0123456789".repeat(4))).rejects.toThrow("is not in the mirror");
});
