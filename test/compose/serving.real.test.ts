import { expect, onTestFinished, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import { freePort } from "../../tools/lockstep.js";
import { configOf, NO_LOG } from "../support/config.js";
import { oneMirror } from "../support/one-mirror.js";
import { byHand, looseCommit, packRef } from "../support/ref-bytes.js";
import { cloneDir, readerDir, readerGit } from "../support/served.js";
import { untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";

const listOf = async (url: string, version: number) =>
  readerGit(readerDir(), "-c", `protocol.version=${version}`, "ls-remote", url);

test("with SERVE_PORT mirrors are served to those who may read them, and nobody may unless somebody says so", async () => {
  const port = await freePort();
  const lockstep = await compose(configOf(tempDir(), { SERVE_PORT: String(port) }), NO_LOG);
  onTestFinished(() => lockstep.close());
  const answer = await fetch(`http://127.0.0.1:${port}/acme/site/info/refs?service=git-upload-pack`);
  expect([answer.status, await answer.text()]).toEqual([404, "not found\n"]);
  await lockstep.close();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test.each([0, 1, 2])("after a delivery's 202 no reader of version %i gets an older list", async (version) => {
  const { world, repo, url } = await oneMirror({ QUIET_PERIOD: "1h" });
  for (let n = 1; n <= 3; n++) {
    const push = await world.standin.commit(repo, "main");
    await world.pushed(push);
    expect(await listOf(url, version)).toContain(`${push.after}\trefs/heads/main`);
  }
  await world.pushed(await world.standin.deleteRef(repo, "refs/heads/main"));
  expect(await listOf(url, version)).not.toContain("refs/heads/main");
});

test("a commit that has no webhook is read from GitHub with the App's token", async () => {
  const { world, repo, url } = await oneMirror();
  const { after } = await world.standin.commit(repo, "main");
  const reader = readerDir();
  await readerGit(reader, "init", "-q", "clone");
  await readerGit(cloneDir(reader), "fetch", "-q", "--depth=1", url, after);
  expect(await readerGit(cloneDir(reader), "rev-parse", "FETCH_HEAD")).toBe(after);
  expect(world.log.filter(({ event }) => event === "serve_failed")).toEqual([]);
});

test("a paused mirror is not read, and GitHub answers", async () => {
  const { world, repo, url } = await oneMirror();
  await world.api("/api/v1/repos/acme/app/pause", { method: "POST" });
  const { after } = await world.standin.commit(repo, "main");
  await world.pushed({ ...(await world.standin.commit(repo, "other")) });
  expect(await listOf(url, 2)).toContain(`${after}\trefs/heads/main`);
});

test.each([0, 1, 2])(
  "a ref that git cannot write is listed by GitHub, to readers of version %i",
  async (version) => {
    const { world, repo, url } = await oneMirror();
    const ref = `refs/heads/${"l".repeat(251)}`;
    const commit = looseCommit(repo.dir, "one");
    packRef(repo.dir, ref, commit);
    await byHand(world, repo);
    await untilState(world, "acme/app", ({ state }) => state === "incomplete");
    expect(await listOf(url, version)).toContain(`${commit}\t${ref}`);
    const reader = readerDir();
    await readerGit(reader, "-c", `protocol.version=${version}`, "clone", "-q", "--mirror", url, "clone");
    expect(await readerGit(cloneDir(reader), "rev-parse", ref)).toBe(commit);
  },
);
