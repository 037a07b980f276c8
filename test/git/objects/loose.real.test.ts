import { existsSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeLoose } from "../../../src/git/objects/loose.js";
import { createBudget, type GitObject, LeftToGit, nameOf } from "../../../src/git/objects/object.js";
import { createReadStored } from "../../../src/git/objects/stored.js";
import { tempDir } from "../../support/temp.js";

test("a directory that git removes as empty is made again", async () => {
  const objects = tempDir();
  const one: GitObject = { type: "blob", content: Buffer.from("x".repeat(100_000)) };
  const directory = join(objects, nameOf(one).slice(0, 2));
  let left = 2;
  const remove = () => {
    try {
      if (left > 0) rmdirSync(directory);
      left--;
    } catch {
      // It is not there yet.
    }
    if (left > 0) setImmediate(remove);
  };
  setImmediate(remove);
  await writeLoose(objects, [[nameOf(one), one]]);
  left = 0;
  expect((await createReadStored(objects, createBudget())(nameOf(one))).content).toEqual(one.content);
});

test("a mirror that was removed is not made again", async () => {
  const mirror = tempDir();
  rmSync(mirror, { recursive: true });
  const one: GitObject = { type: "blob", content: Buffer.from("x") };
  await expect(writeLoose(join(mirror, "objects"), [[nameOf(one), one]])).rejects.toThrow(LeftToGit);
  expect(existsSync(mirror)).toBe(false);
});
