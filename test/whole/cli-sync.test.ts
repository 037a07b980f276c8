import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { mirrorPath } from "../../tools/mirror.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { hook } from "../support/consumers.js";
import { plainGit } from "../support/git.js";
import { keptObject } from "../support/kept-lfs.js";
import { tempDir } from "../support/temp.js";

async function world() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const dataDir = tempDir();
  const env = { ...standin.env(), DATA_DIR: dataDir };
  const sync = (more: Record<string, string> = {}, ...args: string[]) =>
    cli({ ...env, ...more }, ...args, "sync", "--once");
  return { standin, dataDir, sync };
}

test("sync --once onboards, compares every ref, publishes trees, announces, and ends", async () => {
  const { standin, dataDir, sync } = await world();
  const app = await standin.createRepository("acme", "app");
  await standin.createRepository("acme", "site");

  const first = await sync({ CHECKOUTS: "acme/site" });
  expect(first).toMatchObject({ code: 0, err: "" });
  const steps = [...first.out.matchAll(/^([12])\/2 (\S+) fresh$/gm)];
  expect(steps.map(([, done]) => done)).toEqual(["1", "2"]);
  expect(steps.map(([, , name]) => name).sort()).toEqual(["acme/app", "acme/site"]);
  expect(first.out).toMatch(/2 repositories, all fresh\n$/);
  expect(existsSync(join(dataDir, "checkouts/acme/site"))).toBe(true);

  // No webhook reported the new branch and the deleted one.
  await standin.commit(app, "topic");
  await standin.createRepository("acme", "new");
  const { file, runs } = hook();
  const second = await sync({ ANNOUNCE_HOOK: file }, "--json");
  expect(second.code).toBe(0);
  expect(JSON.parse(second.out)).toMatchObject({ fresh: true, failure: null, problems: [] });
  const refs = plainGit(mirrorPath(dataDir, "acme", "app"), "for-each-ref", "--format=%(refname)");
  expect(refs.split("\n")).toContain("refs/heads/topic");
  expect(existsSync(mirrorPath(dataDir, "acme", "new"))).toBe(true);
  expect(runs()).toContainEqual(expect.objectContaining({ REPOSITORY: "acme/app", REF: "refs/heads/topic" }));
});

test("sync --once with LFS=yes ends when the objects of Git LFS are here", async () => {
  const { standin, dataDir, sync } = await world();
  const app = await standin.createRepository("acme", "app");
  await standin.commit(app, "main", { files: { "a.bin": standin.lfs.put("kept", "acme/app") } });
  expect(await sync({ LFS: "yes" })).toMatchObject({ code: 0, err: "" });
  expect(keptObject(dataDir, app.id, "kept")).toBe("kept");
});

test("sync --once reports by exit code and remedy what is not in step", async () => {
  const { standin, sync } = await world();
  await standin.createRepository("acme", "app");
  await standin.createRepository("acme", "broken");
  standin.faults.gitStatus = { status: 500, times: 1_000, path: "broken" };
  const answer = await sync();
  expect(answer).toMatchObject({ code: 4, out: expect.stringContaining("upstream_error") });

  await standin.down();
  expect(await sync()).toMatchObject({ code: 1, out: expect.stringMatching(/^unreachable: .*\n {2}→ /m) });
});

test("sync --once does not touch a DATA_DIR that a server uses, and gives a remedy", async () => {
  const { standin, dataDir, sync } = await world();
  const server = await startLockstep({ standin, dataDir, env: { INTERVAL: "off" } });
  onTestFinished(async () => void (await server.kill9()));
  const answer = await sync();
  expect(answer).toMatchObject({ code: 1, out: "" });
  expect(answer.err).toContain(`a running Lockstep already uses ${dataDir}`);
  expect(answer.err).toContain("lockstep refresh owner/name");

  expect(await cli({}, "sync")).toMatchObject({ code: 2, err: expect.stringContaining("--once") });
});

test("sync --once keeps unfinished requests for the next run when it is stopped", async () => {
  const { standin, dataDir, sync } = await world();
  await standin.createRepository("acme", "app");
  standin.faults.hangGit = true;
  const file = new URL("../../lib/cli.js", import.meta.url).pathname;
  const env = { PATH: process.env.PATH, ...standin.env(), DATA_DIR: dataDir, SHUTDOWN_TIMEOUT: "0s" };
  const child = spawn(process.execPath, [file, "sync", "--once"], { env, cwd: tempDir() });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(standin, "git-start");
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exited).toEqual([1, null]);
  standin.faults.hangGit = false;
  expect(await sync()).toMatchObject({ code: 0, out: expect.stringContaining("acme/app fresh") });
});
