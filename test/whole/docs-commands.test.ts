import { exec } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const root = new URL("../..", import.meta.url).pathname;

/** Commands for root, or of programs that are not installed here. */
const NOT_HERE = /sudo|mkdocs/;

const commandsOf = (page: string) =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);

interface Shell {
  cwd: string;
  env: Record<string, string>;
}

function run(script: string, { cwd, env }: Shell): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    exec(`set -eu\n${script}`, { cwd, env, shell: "/bin/bash" }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, out: out + err }),
    );
  });
}

test("every command of docs/consumers.md works as described", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  await standin.createRepository("acme", "site");
  const cwd = tempDir();
  const env = { API_TOKEN, INTERVAL: "off", CHECKOUTS: "acme/site" };
  const lockstep = await startLockstep({ standin, dataDir: join(cwd, "data"), env });
  onTestFinished(async () => void (await lockstep.kill9()));
  for (const repository of ["acme/app", "acme/site"])
    await lockstep.waitForLog((line) => line.repository === repository && line.result === "cloned");
  const push = await standin.pushAndDeliver(repo, "main", lockstep.webhookUrl);
  await lockstep.waitForLog((line) => line.event === "refreshed" && line.trigger === "push");

  const bin = join(cwd, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "lockstep"), `#!/bin/sh\nexec ${process.execPath} ${root}lib/cli.js "$@"\n`);
  chmodSync(join(bin, "lockstep"), 0o755);
  const basic = Buffer.from(`x-access-token:${standin.token(repo.installation!)}`).toString("base64");
  const shell = {
    cwd,
    env: {
      ...{ PATH: `${bin}:${process.env.PATH}`, HOME: cwd, API_TOKEN, LOCKSTEP_URL: lockstep.url },
      // The stand-in plays https://github.com/.
      ...{ GIT_CONFIG_COUNT: "2", GIT_CONFIG_KEY_0: `url.${standin.url}/.insteadOf` },
      ...{ GIT_CONFIG_VALUE_0: "https://github.com/", GIT_CONFIG_KEY_1: "http.extraHeader" },
      GIT_CONFIG_VALUE_1: `Authorization: Basic ${basic}`,
      LOCKSTEP_MIRROR: join(cwd, "data/mirrors/acme/app.git"),
      ...{ LOCKSTEP_BEFORE: push.before, LOCKSTEP_AFTER: push.after },
    },
  };
  const blocks = commandsOf("docs/consumers.md").filter((block) => !NOT_HERE.test(block));
  expect(blocks.length).toBeGreaterThan(6);
  for (const block of blocks) {
    const { code, out } = await run(block.replaceAll("Hello", "."), shell);
    expect(code, `${block}\n${out}`).toBe(0);
  }
  for (const made of ["app/.git", "from-mirror/.git", "source", "site/README.md", "topic/.git"])
    expect(existsSync(join(cwd, made)), made).toBe(true);
  const head = await run("git -C app rev-parse HEAD", shell);
  expect(head.out.trim()).toBe(push.after);
});

test("a DATA_DIR that was moved, or restored from its database or its mirrors alone, is in step", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  await standin.createRepository("acme", "app");
  const shell = { cwd: tempDir(), env: { PATH: process.env.PATH! } };
  const start = async (dir: string) => {
    const dataDir = join(shell.cwd, dir);
    const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN, INTERVAL: "off" } });
    onTestFinished(async () => void (await lockstep.kill9()));
    // On a slow machine the first start has proven all there is, and the next one has nothing to ask.
    await lockstep.api("/api/v1/repos/acme/app/refresh", { method: "POST" });
    const line = await lockstep.waitForLog(({ event }) => event === "refreshed");
    const head = await run(`git --git-dir ${dir}/mirrors/acme/app.git rev-parse main`, shell);
    await lockstep.stop();
    return { result: line.result, code: head.code };
  };
  expect(await start("data")).toEqual({ result: "cloned", code: 0 });
  await run("cp --archive data/. moved; mkdir database mirrors; cp moved/lockstep.db* database", shell);
  await run("cp --archive data/repos mirrors/repos", shell);
  expect(await start("moved")).toEqual({ result: "unchanged", code: 0 });
  expect(await start("database")).toEqual({ result: "cloned", code: 0 });
  expect(await start("mirrors")).toEqual({ result: "unchanged", code: 0 });
});
