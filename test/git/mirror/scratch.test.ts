import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { openScratch, type Scratch } from "../../../src/git/mirror/scratch.js";
import { tempDir } from "../../support/temp.js";

const [ONE, TWO] = ["1".repeat(40), "2".repeat(40)] as [string, string];

/** Writes a ref as a fetch does. */
function bring({ dir }: Scratch, sha: string): void {
  mkdirSync(join(dir, "refs/x"), { recursive: true });
  writeFileSync(join(dir, "refs/x/0"), `${sha}\n`);
}

const basesOf = ({ dir }: Scratch) =>
  readFileSync(join(dir, "packed-refs"), "utf8")
    .split("\n")
    .slice(1, -1)
    .map((line) => line.slice(0, 40));

test("two fetches at a time neither see nor end each other's refs", async () => {
  const repository = tempDir();
  const first = await openScratch(repository, [ONE]);
  bring(first, ONE);
  const second = await openScratch(repository, [TWO]);
  bring(second, TWO);
  expect([basesOf(first), basesOf(second)]).toEqual([[ONE], [TWO]]);
  expect(await first.fetched()).toEqual(new Map([[0, ONE]]));
  await first.close();
  expect(await second.fetched()).toEqual(new Map([[0, TWO]]));
  await second.close();
});

test("a later fetch uses the same directory, without what a killed one has left there", async () => {
  const repository = tempDir();
  const first = await openScratch(repository, [ONE]);
  bring(first, ONE);
  await first.close();
  bring(first, TWO);
  const later = await openScratch(repository, []);
  expect([basename(later.dir), basesOf(later)]).toEqual(["scratch.git", []]);
  expect(existsSync(join(later.dir, "refs/x"))).toBe(false);
  await later.close();
  expect(readdirSync(repository)).toEqual(["scratch.git"]);
});
