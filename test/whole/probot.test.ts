import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { mirrorPath, waitForTip } from "../../tools/mirror.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

async function github(): Promise<{ standin: StandIn; repo: Repo }> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  return { standin, repo: await standin.createRepository("acme", "app") };
}

async function start(standin: StandIn, dataDir: string, env: Record<string, string | undefined> = {}) {
  const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN, INTERVAL: "off", ...env } });
  onTestFinished(async () => void (await lockstep.kill9()));
  return lockstep;
}

const arrives = (dataDir: string, { repo, ref, after }: Push) =>
  waitForTip(mirrorPath(dataDir, repo.owner, repo.name), ref, after);

const cloned = (lockstep: Lockstep) => lockstep.waitForLog((line) => line.result === "cloned");

test("a push arrives, SIGTERM ends it with 0, and no secret is ever in the log", async () => {
  const { standin, repo } = await github();
  const dataDir = tempDir();
  const lockstep = await start(standin, dataDir, { LOG_LEVEL: "debug" });
  await cloned(lockstep);
  const push = await standin.commit(repo, "main");
  expect(await standin.deliver(push, { to: lockstep.webhookUrl })).toMatchObject({ status: 202 });
  await arrives(dataDir, push);
  const refreshed = await lockstep.waitForLog(
    (line) => line.event === "refreshed" && line.trigger === "push",
  );
  expect(refreshed).toMatchObject({ repository: "acme/app", changed: 1 });
  expect(refreshed.durationMs).toBeTypeOf("number");
  expect(refreshed.deliveryId).toBeTypeOf("string");
  expect((await lockstep.api("/api/v1/repos/acme/app")).status).toBe(200);
  for (const file of ["lockstep.db", "lockstep.db-wal"]) {
    expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  }
  expect(await lockstep.stop("SIGTERM")).toEqual({ code: 0, signal: null });
  const log = JSON.stringify(lockstep.log);
  expect(log).toContain("/api/v1/repos/acme/app"); // requests must be there
  for (const secret of secretsOf(standin)) expect(log).not.toContain(secret);
});

test("SIGINT during a fetch that hangs ends within the limit, and the request is kept", async () => {
  const { standin, repo } = await github();
  const dataDir = tempDir();
  const lockstep = await start(standin, dataDir, { SHUTDOWN_TIMEOUT: "1s" });
  await cloned(lockstep);
  standin.faults.hangGit = true;
  const push = await standin.commit(repo, "main");
  const asked = new Promise((resolve) => standin.once("git-start", resolve));
  await standin.deliver(push, { to: lockstep.webhookUrl });
  await asked;
  expect(await lockstep.stop("SIGINT")).toEqual({ code: 0, signal: null });
  standin.faults.hangGit = false;
  await start(standin, dataDir);
  await arrives(dataDir, push);
});

test("SIGTERM ends the process within the limit although GitHub's API hangs", async () => {
  const { standin } = await github();
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const asked = new Promise((resolve) => silent.once("request", resolve));
  const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const lockstep = await start(standin, tempDir(), { GHE_HOST: host, SHUTDOWN_TIMEOUT: "1s" });
  await asked;
  expect(await lockstep.stop("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("kill -9 between the 202 and the end of the fetch: the next start catches up on its own", async () => {
  const { standin, repo } = await github();
  const dataDir = tempDir();
  const first = await start(standin, dataDir);
  await cloned(first);
  standin.faults.hangGit = true;
  const push = await standin.commit(repo, "main");
  const asked = new Promise((resolve) => standin.once("git-start", resolve));
  expect(await standin.deliver(push, { to: first.webhookUrl })).toMatchObject({ status: 202 });
  await asked;
  await first.kill9();
  standin.faults.hangGit = false;
  // Only the stored request may cause the refresh, because GitHub's lists fail.
  standin.faults.restStatus = { status: 500, times: 1 };
  await start(standin, dataDir);
  await arrives(dataDir, push);
});

test("without WEBHOOK_SECRET both paths are like any unknown path, also for Probot's default secret", async () => {
  const { standin, repo } = await github();
  const lockstep = await start(standin, tempDir(), { WEBHOOK_SECRET: undefined });
  const push = await standin.commit(repo, "main");
  const unknown = await answerOf(fetch(`${lockstep.url}/no/such/path`, { method: "POST", body: "{}" }));
  expect(unknown.status).toBe(404);
  for (const path of ["/api/github/webhooks", "/api/v1/webhooks/github"]) {
    const signed = await standin.deliver(push, { to: lockstep.url + path, secret: "development" });
    expect(signed.status).toBe(404);
    expect(await answerOf(fetch(lockstep.url + path, { method: "POST", body: "{}" }))).toEqual(unknown);
  }
});

test("the backstop finds a push that no webhook reported", async () => {
  const { standin, repo } = await github();
  const dataDir = tempDir();
  const lockstep = await start(standin, dataDir, { WEBHOOK_SECRET: undefined, INTERVAL: "10s" });
  await cloned(lockstep);
  await arrives(dataDir, await standin.commit(repo, "main"));
});

test("every fault of the environment is reported at once, and nothing is started", async () => {
  const { standin } = await github();
  const env = { DATA_DIR: tempDir(), CONCURRENCY: "many", INTERVAL: "5", FETCH_TIMEOUT: "soon" };
  const failed = startLockstep({ standin, dataDir: env.DATA_DIR, env });
  await expect(failed).rejects.toThrow(/CONCURRENCY[\s\S]*INTERVAL[\s\S]*FETCH_TIMEOUT|FETCH_TIMEOUT/);
  const message = await failed.catch((error: Error) => error.message);
  for (const name of ["CONCURRENCY", "INTERVAL", "FETCH_TIMEOUT"]) expect(message).toContain(name);
  expect(readdirSync(env.DATA_DIR)).toEqual([]);
});

test("`lockstep start` reports Probot's faults and Lockstep's together, and no secret", () => {
  const env = {
    PATH: process.env.PATH,
    APP_ID: "x",
    PRIVATE_KEY: "no-key",
    LOG_LEVEL: "loud",
    INTERVAL: "5",
  };
  const check = spawnSync(
    process.execPath,
    [fileURLToPath(new URL("../../lib/cli.js", import.meta.url)), "start"],
    {
      cwd: tempDir(),
      env: env as unknown as NodeJS.ProcessEnv,
      encoding: "utf8",
    },
  );
  expect(check.status).toBe(1);
  for (const name of ["APP_ID", "PRIVATE_KEY", "LOG_LEVEL", "INTERVAL"]) expect(check.stderr).toContain(name);
  expect(check.stderr).not.toContain("no-key");
});

test("a second Lockstep on the same DATA_DIR is refused with a reason", async () => {
  const { standin } = await github();
  const dataDir = tempDir();
  await start(standin, dataDir);
  await expect(startLockstep({ standin, dataDir })).rejects.toThrow(/Another Lockstep is already running in/);
});

test("no git process sees a token, and the gateway serves no other client", async () => {
  const { standin, repo } = await github();
  const dataDir = tempDir();
  const lockstep = await start(standin, dataDir, { DIRECT_FETCH: "no" });
  await cloned(lockstep);
  standin.faults.hangGit = true;
  const asked = new Promise((resolve) => standin.once("git-start", resolve));
  await standin.deliver(await standin.commit(repo, "main"), { to: lockstep.webhookUrl });
  await asked;
  // Lockstep itself may ask for the advertisement before git runs.
  await expect
    .poll(() => processesBelow(lockstep.pid).map(({ cmdline }) => cmdline))
    .toContainEqual(expect.stringMatching(/^git\0/));
  const seen = processesBelow(lockstep.pid)
    .map(({ cmdline, environ }) => cmdline + environ)
    .join("\n");
  for (const secret of secretsOf(standin)) expect(seen).not.toContain(secret);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(seen)?.[0];
  const stranger = await fetch(`${url}/acme/app.git/info/refs?service=git-upload-pack`);
  expect(stranger.status).toBe(403);
  expect(filesHolding(dataDir, secretsOf(standin))).toEqual([]);
});

test("PUBLIC_URL becomes the App's webhook URL", async () => {
  const { standin } = await github();
  const lockstep = await start(standin, tempDir(), { PUBLIC_URL: "https://lockstep.example.com" });
  await lockstep.waitForLog((line) => line.event === "webhook_url_set");
  expect(standin.hookConfig.url).toBe("https://lockstep.example.com/api/github/webhooks");
});

test("the operator's API is absent without API_TOKEN and closed without the right token", async () => {
  const { standin } = await github();
  const open = await start(standin, tempDir());
  expect((await fetch(`${open.url}/api/v1/repos`)).status).toBe(401);
  for (const path of ["/healthz", "/readyz"]) expect((await fetch(open.url + path)).status).toBe(200);
  const closed = await start(standin, tempDir(), { API_TOKEN: undefined });
  const unknown = await answerOf(fetch(`${closed.url}/no/such/path`));
  expect(await answerOf(fetch(`${closed.url}/api/v1/repos`))).toEqual(unknown);
});

async function answerOf(pending: Promise<Response>) {
  const response = await pending;
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "date"));
  return { status: response.status, headers, body: await response.text() };
}

function secretsOf(standin: StandIn): string[] {
  const { tokens } = standin.world;
  expect(tokens.length).toBeGreaterThan(0);
  const key = standin.privateKey.split("\n")[3]!;
  return [
    ...tokens,
    ...tokens.map((token) => btoa(`x-access-token:${token}`)),
    standin.webhookSecret,
    key,
    API_TOKEN,
  ];
}

function processesBelow(parent: number): { cmdline: string; environ: string }[] {
  const read = (pid: string, name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, parentOf(pid)]));
  const below = new Set([String(parent)]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const [pid, ppid] of parents) if (below.has(ppid)) below.add(pid);
  }
  below.delete(String(parent));
  return [...below].map((pid) => ({ cmdline: read(pid, "cmdline"), environ: read(pid, "environ") }));
}

function parentOf(pid: string): string {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[1] ?? ""
    );
  } catch {
    return "";
  }
}

function filesHolding(dir: string, secrets: string[]): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => secrets.some((secret) => readFileSync(file).includes(secret)));
}
