import { expect, onTestFinished, test } from "vitest";
import { freePort, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

test("the command line looks, asks and ends with the codes it documents", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  await standin.createRepository("acme", "app");
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned", 30_000);
  const run = (...args: string[]) => cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, ...args);

  expect(await run("status")).toMatchObject({ code: 0, out: expect.stringMatching(/^fresh/) });
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
  expect((await run("show", "none")).code).toBe(2);

  await standin.down();
  await run("refresh", "acme/app", "--wait", "1s");
  const stranger = await cli({ LOCKSTEP_URL: lockstep.url, API_TOKEN: "wrong-token-0123456789" }, "list");
  expect(stranger).toMatchObject({ code: 1, err: expect.stringContaining("token") });
});

test("without a server, with a wrong command, without a token", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await cli({ LOCKSTEP_URL: url }, "status")).toMatchObject({ code: 3 });
  expect(await cli({}, "demo", "/nowhere")).toMatchObject({ code: 2, out: expect.stringContaining("/nowhere") });
  expect(await cli({}, "bogus")).toMatchObject({ code: 2, err: expect.stringContaining("--help") });
  const help = await cli({}, "--help");
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining("Exit codes") });
  // The token has no option: it would show in the list of processes.
  expect(help.out).not.toContain("--token");
});

test("`lockstep start` tells every fault of the environment at once", async () => {
  const told = await cli({ APP_ID: "x", PRIVATE_KEY: "no key", INTERVAL: "1" }, "start");
  expect(told.code).toBe(1);
  for (const name of ["APP_ID", "PRIVATE_KEY", "INTERVAL"]) expect(told.err).toContain(name);
});
