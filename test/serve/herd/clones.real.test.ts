import { expect, test } from "vitest";
import { streamingGit } from "../../support/git.js";
import { cloneDir, mirrorWithSecrets, readerDir, readerGit, serveMirror } from "../../support/served.js";

test("clients that clone the same at once share one run of git, and each gets everything", async () => {
  const { dir, main } = mirrorWithSecrets();
  const git = streamingGit();
  const packs: string[] = [];
  const { url } = await serveMirror(dir, {
    generation: () => 0,
    streamGit(call) {
      const input = call.args[0] === "upload-pack" ? String(call.input ?? "") : "";
      if (input.includes("want ")) packs.push(input);
      return git(call);
    },
  });
  const readers = [1, 2, 3, 4, 5].map(() => readerDir());
  await Promise.all(readers.map((reader) => readerGit(reader, "clone", "-q", "--depth=1", url, "clone")));
  for (const reader of readers) expect(await readerGit(cloneDir(reader), "rev-parse", "HEAD")).toBe(main);
  expect(packs).toHaveLength(1);
  // Who has something already asks for something else.
  await readerGit(cloneDir(readers[0]!), "fetch", "-q", "--unshallow");
  expect(packs.length).toBeGreaterThan(1);
});

test("only what packs the whole history counts as a clone of the mirror", async () => {
  const { dir } = mirrorWithSecrets();
  const cloned: number[] = [];
  const { url } = await serveMirror(dir, { generation: () => 0, onClone: (id) => cloned.push(id) });
  const clone = (...args: string[]) => readerGit(readerDir(), "clone", "-q", ...args, url, "clone");
  await clone("--depth=1");
  expect(cloned).toEqual([]);
  await clone();
  expect(cloned).toEqual([7]);
});
