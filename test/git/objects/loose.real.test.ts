import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeLoose } from "../../../src/git/objects/loose.js";
import { createBudget, type GitObject, LeftToGit, nameOf } from "../../../src/git/objects/object.js";
import { createReadStored } from "../../../src/git/objects/stored.js";
import { tempDir } from "../../support/temp.js";

/** Removes empty directories of objects all the time, as `git prune-packed` does once. */
const REMOVER = `
  const { rmdirSync } = require("node:fs");
  process.send("ready");
  for (;;)
    for (let n = 0; n < 256; n++)
      try {
        rmdirSync(process.argv[1] + "/" + n.toString(16).padStart(2, "0"));
      } catch {}
`;

test("a directory that git removes as empty is made again", async () => {
  const objects = tempDir();
  const remover = spawn(process.execPath, ["-e", REMOVER, objects], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onTestFinished(() => void remover.kill("SIGKILL"));
  await once(remover, "message");
  const all = Array.from({ length: 300 }, (_, n): [string, GitObject] => {
    const object: GitObject = { type: "blob", content: Buffer.from(`file ${n}`) };
    return [nameOf(object), object];
  });
  for (let from = 0; from < all.length; from += 30) await writeLoose(objects, all.slice(from, from + 30));
  remover.kill("SIGKILL");
  const read = createReadStored(objects, createBudget());
  for (const [name, { content }] of all) expect((await read(name)).content).toEqual(content);
  expect(
    readdirSync(objects, { recursive: true, encoding: "utf8" }).filter((file) => file.includes("tmp_")),
  ).toEqual([]);
});

test("what fails half-way leaves nothing beside, and syncs what it has begun", async () => {
  const objects = tempDir();
  const [one, two] = ["one", "two"].map((text): [string, GitObject] => {
    const object: GitObject = { type: "blob", content: Buffer.from(text) };
    return [nameOf(object), object];
  });
  // The second one's directory cannot be made.
  writeFileSync(join(objects, two![0].slice(0, 2)), "");
  await expect(writeLoose(objects, [one!, two!])).rejects.toThrow("ENOTDIR");
  expect(readdirSync(join(objects, one![0].slice(0, 2)))).toEqual([]);
});

test("a mirror that was removed is not made again", async () => {
  const mirror = tempDir();
  rmSync(mirror, { recursive: true });
  const one: GitObject = { type: "blob", content: Buffer.from("x") };
  await expect(writeLoose(join(mirror, "objects"), [[nameOf(one), one]])).rejects.toThrow(LeftToGit);
  expect(existsSync(mirror)).toBe(false);
});
