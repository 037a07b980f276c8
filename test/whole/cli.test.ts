import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePort, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

test("the command line reads, requests and exits with its documented codes", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  await standin.createRepository("acme", "app");
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  const run = (...args: string[]) => cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, ...args);

  expect(await run("status")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^✓ (All \d+ repositories are|The repository is) in step/),
  });
  expect(JSON.parse((await run("--json", "status")).out)).toMatchObject({ fresh: true });
  expect((await run("list")).out).toMatch(/^REPOSITORY +STATE +PROVEN +FAILURE\nacme\/app +fresh/);
  expect((await run("--json", "list", "--state", "failing")).out).toBe("[]\n");
  expect(await run("refresh", "acme/app")).toMatchObject({ code: 0, out: "acme/app fresh\n" });
  expect(await run("pause", "acme/app")).toMatchObject({ code: 0, out: "acme/app paused\n" });
  const refused = await run("refresh", "acme/app");
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("→ resume it first") });
  expect(await run("resume", "acme/app")).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("show", "acme/app")).out).heads).toHaveProperty("refs/heads/main");
  expect((await run("show", "acme/none")).err).toContain("not managed");
  for (const name of ["none", "../..", "acme/..", "./app"])
    expect((await run("show", name)).code, name).toBe(2);
  expect(await run("refresh", "acme/app", "--wait", "soon")).toMatchObject({ code: 2 });
  const some = await run("pause", "acme/none", "none", "acme/app");
  expect(some).toMatchObject({ code: 1, out: "acme/app paused\n" });
  expect(some.err.match(/^lockstep: .*/gm)).toEqual([
    expect.stringContaining("acme/none"),
    expect.stringContaining("none is not a repository"),
  ]);
  expect(await run("resume", "acme/app", "none")).toMatchObject({ code: 2, out: "acme/app resumed\n" });

  await standin.down();
  await run("refresh", "acme/app", "--wait", "1s");
  const stranger = await cli({ LOCKSTEP_URL: lockstep.url, API_TOKEN: "wrong-token-0123456789" }, "list");
  expect(stranger).toMatchObject({ code: 1, err: expect.stringContaining("token") });
});

test("while repositories wait for their first clone, status says how many, and exits with 4", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  for (const name of ["app", "web"]) await standin.createRepository("acme", name);
  standin.faults.gitStatus = { status: 503, times: 1_000, path: "/acme/web" };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  const status = await cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, "status");
  expect(status).toMatchObject({
    code: 4,
    out: expect.stringMatching(/^… Cloning: 1 of 2 repositories done/),
  });
});

test("without a server, with a wrong command, without a token", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await cli({ LOCKSTEP_URL: url }, "status")).toMatchObject({ code: 3 });
  expect(await cli({}, "demo", "/nowhere")).toMatchObject({
    code: 2,
    out: expect.stringContaining("/nowhere"),
  });
  expect(await cli({}, "bogus")).toMatchObject({ code: 2, err: expect.stringContaining("--help") });
  expect(await cli({}, "tokens", "add")).toMatchObject({
    code: 2,
    err: expect.stringContaining("(see lockstep tokens add --help)"),
  });
  const help = await cli({}, "--help");
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining("Exit codes") });
  // The token has no option, because the list of processes would show it.
  expect(help.out).not.toContain("--token");
});

test("a server that is not Lockstep is distinguished from wrong usage", async () => {
  for (const url of [
    "localhost:3000",
    "ftp://127.0.0.1",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:6000",
    "x",
  ])
    expect(await cli({}, "--url", url, "list"), url).toMatchObject({
      code: 2,
      err: expect.stringContaining("→"),
    });
  const secret = await cli({}, "--url", "http://me:hidden@127.0.0.1:1", "list");
  expect(secret).toMatchObject({ code: 2, err: expect.not.stringContaining("hidden") });

  const other = createServer((_, response) => void response.end("<html>")).listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  for (const command of ["list", "events"])
    expect(await cli({}, "--url", url, command)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/not from Lockstep's API\n {2}→ check --url/),
    });
});

test("a reader that stops early ends the command quietly", async () => {
  const app = { owner: "acme", name: "app".repeat(100), state: "fresh", lastProvenAt: null, lastError: null };
  const repositories = Array.from({ length: 1_000 }, () => app);
  const body = JSON.stringify({ repositories, next: null });
  const server = createServer((_, response) => void response.end(body)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = new URL("../../lib/cli.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [file, "--url", url, "list"], { cwd: tempDir() });
  let err = "";
  child.stderr.on("data", (text) => {
    err += text;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("`lockstep start` reports every fault of the environment at once", async () => {
  const answer = await cli({ APP_ID: "x", PRIVATE_KEY: "no key", INTERVAL: "1" }, "start");
  expect(answer.code).toBe(1);
  for (const name of ["APP_ID", "PRIVATE_KEY", "INTERVAL"]) expect(answer.err).toContain(name);
});
