import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  syncPath,
  syncPaths,
  syncTree,
  watchDirectories,
  writeDurably,
  writeDurablySync,
} from "../../src/machine/durable.js";
import { tempDir } from "../support/temp.js";

test("a small file is replaced as a whole, also after a killed write", async () => {
  const file = join(tempDir(), "file");
  await writeDurably(file, "one");
  writeFileSync(`${file}.lock`, "half");
  await writeDurably(file, "two");
  expect(readFileSync(file, "utf8")).toBe("two");
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test("a lock of another program is respected where the caller says so", async () => {
  const file = join(tempDir(), "file");
  writeFileSync(file, "one");
  writeFileSync(`${file}.lock`, "");
  await expect(writeDurably(file, "two", { replacesLock: false })).rejects.toMatchObject({ code: "EEXIST" });
  expect(readFileSync(file, "utf8")).toBe("one");
});

test("a secret is readable by its owner only, whatever a killed write left", () => {
  const file = join(tempDir(), "file");
  writeFileSync(`${file}.lock`, "half", { mode: 0o644 });
  writeDurablySync(file, "secret", { mode: 0o600 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("paths that are gone need no sync, and a single one must exist", async () => {
  const dir = tempDir();
  await syncPaths([dir, join(dir, "none"), join(dir, "none/below")]);
  await syncTree(dir);
  await expect(syncPath(join(dir, "none"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("directories that come and go while they are watched fail nothing", async () => {
  const dir = tempDir();
  const [one, two] = [join(dir, "one"), join(dir, "two")];
  mkdirSync(one);
  const syncChanged = await watchDirectories(() => [dir, one, two]);
  rmSync(one, { recursive: true });
  mkdirSync(two);
  await syncChanged();
});
