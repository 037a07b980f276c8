import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { openScratch, type Scratch } from "../../../src/git/mirror/scratch.js";
import { tempDir } from "../../support/temp.js";

const [ONE, TWO] = ["1".repeat(40), "2".repeat(40)] as [string, string];

const basesOf = ({ dir }: Scratch) =>
  readFileSync(join(dir, "packed-refs"), "utf8")
    .split("\n")
    .slice(1, -1)
    .map((line) => line.slice(0, 40));

test("two fetches at a time start from their own refs", async () => {
  const repository = tempDir();
  const first = await openScratch(repository, [ONE]);
  const second = await openScratch(repository, [TWO]);
  expect([basesOf(first), basesOf(second)]).toEqual([[ONE], [TWO]]);
  first.close();
  expect(basesOf(second)).toEqual([TWO]);
  second.close();
});

test("a later fetch uses the same directory, with its own refs alone", async () => {
  const repository = tempDir();
  const first = await openScratch(repository, [ONE]);
  first.close();
  const later = await openScratch(repository, []);
  expect([basename(later.dir), basesOf(later)]).toEqual(["scratch.git", []]);
  later.close();
  expect(readdirSync(repository)).toEqual(["scratch.git"]);
});
