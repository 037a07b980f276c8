import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import { freePort, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

/** The lines that a command without an end writes, one at a time. */
function follow(env: Record<string, string>, ...args: string[]) {
  const file = new URL("../../lib/cli.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH, ...env },
    cwd: tempDir(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const errors = createInterface(child.stderr)[Symbol.asyncIterator]();
  return {
    line: async () => (await lines.next()).value as string,
    error: async () => (await errors.next()).value as string,
  };
}

test("events follows the stream across a restart of the server, and misses nothing", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const server = {
    ...{ standin, dataDir: tempDir(), port: await freePort() },
    env: { API_TOKEN, INTERVAL: "off" },
  };
  const first = await startLockstep(server);
  onTestFinished(async () => void (await first.kill9()));
  const env = { API_TOKEN, LOCKSTEP_URL: first.url };
  const json = follow(env, "--json", "events", "--after", "0");
  const text = follow(env, "events", "--after", "0", "--repository", "acme/app");
  const event = async () => JSON.parse(await json.line()) as Announcement;

  expect(await event()).toMatchObject({ type: "cloned", repository: { owner: "acme", name: "app" } });
  expect(await text.line()).toMatch(/^\d\d:\d\d:\d\d acme\/app cloned$/);
  const push = await standin.pushAndDeliver(repo, "main", first.webhookUrl);
  expect(await event()).toMatchObject({ changes: [{ ref: "refs/heads/main", after: push.after }] });
  const moved = `refs/heads/main ${push.before.slice(0, 12)} → ${push.after.slice(0, 12)}`;
  expect(await text.line()).toMatch(new RegExp(`^\\S+ acme/app ${moved}$`));

  await first.kill9();
  expect(await json.error()).toMatch(/reconnecting/);
  const second = await startLockstep(server);
  onTestFinished(async () => void (await second.kill9()));
  const next = await standin.pushAndDeliver(repo, "topic", second.webhookUrl);
  expect(await event()).toMatchObject({ changes: [{ ref: "refs/heads/topic", after: next.after }] });
  expect(await text.line()).toContain(`refs/heads/topic new ${next.after.slice(0, 12)}`);
});

test("events ends at once where there is no stream", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await cli({ LOCKSTEP_URL: url }, "events")).toMatchObject({ code: 3, out: "" });
});
