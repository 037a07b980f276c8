import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dropUnwritable } from "../../../src/git/mirror/fetch-refs.js";
import { tempDir } from "../../support/temp.js";

const SHA = "1".repeat(40);

test("a newer git's first fetch leaves no ref behind that git could never change", async () => {
  const dir = tempDir();
  const long = "l".repeat(251);
  const kept = `# pack-refs with: peeled fully-peeled sorted \n${SHA} refs/heads/caf\xe9\n${SHA} refs/heads/main\n`;
  const tags = `${SHA} refs/tags/v1\n^${SHA}\n`;
  const text = `${kept}${SHA} refs/tags/${long}\n^${SHA}\n${tags}`;
  writeFileSync(join(dir, "packed-refs"), text, "latin1");
  expect((await dropUnwritable(dir)).map(({ ref }) => ref)).toEqual([`refs/tags/${long}`]);
  expect(readFileSync(join(dir, "packed-refs"), "latin1")).toBe(kept + tags);
  expect(await dropUnwritable(tempDir())).toEqual([]);
});
