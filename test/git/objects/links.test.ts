import fc from "fast-check";
import { expect, test } from "vitest";
import { readTree, readTreesApart, type TreeEntry } from "../../../src/git/objects/links.js";
import { LeftToGit } from "../../../src/git/objects/object.js";

const entryOf = (mode: string, name: string, id: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), id]);

/** Ids of few different bytes, so that what follows often looks the same from another place. */
const id = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => bytes.map((it) => [0, 32, 48][it % 3]!));
const entry = fc.tuple(fc.constantFrom("40000", "100644", "100755", "120000", "160000"), id);
/** Entries by name, as git sorts them. */
const entries = fc.dictionary(fc.stringMatching(/^[ab]{1,3}$/), entry, { maxKeys: 9 });

const treeOf = (all: Record<string, [string, Uint8Array]>): Buffer =>
  Buffer.concat(
    Object.entries(all)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, [mode, bytes]]) => entryOf(mode, name, bytes)),
  );

/** What differs, by name. */
function differences([old, now]: [TreeEntry[], TreeEntry[]]): unknown[] {
  const [was, is] = [old, now].map((all) => new Map(all.map((one) => [one.name, one])));
  return [...new Set([...was!.keys(), ...is!.keys()])]
    .sort()
    .map((name) => [name, was!.get(name), is!.get(name)])
    .filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b));
}

test("two trees differ in the same entries, whether all of them are read or those that are apart", () => {
  fc.assert(
    fc.property(entries, entries, fc.boolean(), (base, change, isSmall) => {
      const other = isSmall ? { ...base, ...Object.fromEntries(Object.entries(change).slice(0, 1)) } : change;
      const [a, b] = [treeOf(base), treeOf(other)];
      expect(differences(readTreesApart(a, b))).toEqual(differences([readTree(a), readTree(b)]));
    }),
    { numRuns: 3_000 },
  );
});

test("of a large tree with one change few entries are read", () => {
  const all = Array.from({ length: 1_000 }, (_, n) => entryOf("100644", `a${n}`, Buffer.alloc(20, 1)));
  const other = all.with(500, entryOf("100644", "a500", Buffer.alloc(20, 2)));
  const [old, now] = readTreesApart(Buffer.concat(all), Buffer.concat(other));
  expect([old.length, now.length]).toEqual([1, 1]);
});

test("a tree that is cut off is no tree", () => {
  const [whole, other] = [1, 2].map((byte) => entryOf("100644", "a", Buffer.alloc(20, byte)));
  expect(() => readTreesApart(whole!, other!.subarray(0, -1))).toThrow(LeftToGit);
  for (const odd of ["100644", `100644 \0${"x".repeat(20)}`, "40000 a"])
    expect(() => readTree(Buffer.from(odd)), odd).toThrow(LeftToGit);
});
