import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lfsReader } from "../../support/lfs-client.js";
import { type ReadingWorld, readingWorld } from "../../support/reading-world.js";
import { basic } from "../../support/rights.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
const CONTENT = "a file that git does not keep\n".repeat(10_000);

/** A Lockstep whose acme/app has a file of Git LFS. */
async function withFile(more: Record<string, string> = {}) {
  const serving = await readingWorld();
  const { standin, app, world } = serving;
  const files = { ".gitattributes": ATTRIBUTES, "a.bin": standin.lfs.put(CONTENT, "acme/app"), ...more };
  await world.pushed(await standin.commit(app, "main", { files }));
  await world.inStep(app);
  return serving;
}

/** Clones as actions/checkout does: the credentials are a header of this server alone. */
async function clone({ origin }: ReadingWorld, token: string) {
  const reader = lfsReader();
  await reader.install();
  const header = `http.${origin}/.extraheader`;
  await reader.git("config", "--global", header, `AUTHORIZATION: ${basic(`x-access-token:${token}`)}`);
  await reader.git("clone", "-q", `${origin}/acme/app`, reader.dir);
  return { ...reader, file: () => readFileSync(join(reader.dir, "a.bin"), "utf8") };
}

test("git-lfs gets files with a token of GitHub's, from where GitHub says", async () => {
  const serving = await withFile();
  const { file } = await clone(serving, serving.githubToken(serving.app));
  expect(file()).toBe(CONTENT);
  expect(serving.standin.lfs.downloads).toHaveLength(1);
});

test.each([false, true])(
  "git-lfs gets files with one of Lockstep's tokens; addresses are signed: %s",
  async (isSigned) => {
    const serving = await withFile();
    serving.standin.lfs.isSigned = isSigned;
    const { file } = await clone(serving, await serving.ownToken("ci"));
    expect(file()).toBe(CONTENT);
  },
);

test("git-lfs gets files with a token that a credential helper has", async () => {
  const serving = await withFile();
  const reader = lfsReader();
  await reader.install();
  const helper = `!f() { echo username=x; echo password=${await serving.ownToken("ci")}; }; f`;
  await reader.git("config", "--global", "credential.helper", helper);
  await reader.git("clone", "-q", `${serving.origin}/acme/app`, reader.dir);
  expect(readFileSync(join(reader.dir, "a.bin"), "utf8")).toBe(CONTENT);
});

test("insteadOf leads git-lfs here, too, where the repository names GitHub as its server of files", async () => {
  const serving = await withFile({
    ".lfsconfig": "[lfs]\n\turl = https://github.com/acme/app.git/info/lfs\n",
  });
  const reader = lfsReader();
  await reader.install();
  const at = serving.origin.replace("//", `//x:${await serving.ownToken("ci")}@`);
  await reader.git("config", "--global", `url.${at}/.insteadOf`, "https://github.com/");
  await reader.git("clone", "-q", "https://github.com/acme/app", reader.dir);
  expect(readFileSync(join(reader.dir, "a.bin"), "utf8")).toBe(CONTENT);
});

test("a push of files and the question for locks are refused with the remedy", async () => {
  const serving = await withFile();
  const { git, dir } = await clone(serving, await serving.ownToken("ci"));
  await git("-C", dir, "config", "user.email", "r@example.com");
  await git("-C", dir, "commit", "-q", "--allow-empty", "-m", "x");
  const pushed = git("-C", dir, "lfs", "push", "--all", "origin");
  await expect(pushed).rejects.toThrow(/reading alone/);
  await expect(git("-C", dir, "lfs", "locks")).rejects.toThrow(/ask GitHub for locks/);
});

test("with pushInsteadOf a push asks GitHub for locks and sends its files there", async () => {
  const serving = await withFile();
  const github = await scriptedHost(answer(403, JSON.stringify({ message: "asked" })));
  const { git, dir } = await clone(serving, await serving.ownToken("ci"));
  await git("config", "--global", `url.${github.origin}/.pushInsteadOf`, `${serving.origin}/`);
  await git("-C", dir, "push", "origin", "HEAD:refs/heads/x").catch(() => {});
  await git("-C", dir, "lfs", "push", "--all", "origin").catch(() => {});
  const asked = github.asked.map(({ url }) => url);
  expect(asked).toContain("/acme/app.git/info/lfs/locks/verify");
  expect(asked).toContain("/acme/app.git/info/lfs/objects/batch");
});
