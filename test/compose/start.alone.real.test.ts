import { createHook } from "node:async_hooks";
import { rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import type { Config } from "../../src/config/load.js";
import { configOf, NO_LOG } from "../support/config.js";
import { tempDir } from "../support/temp.js";

/** Timers that src/ has set and that are still active. */
const timers = new Map<number, NodeJS.Timeout>();
createHook({
  init(id, type, _, resource) {
    if (type === "Timeout" && /\/src\//.test(new Error().stack ?? ""))
      timers.set(id, resource as NodeJS.Timeout);
  },
  destroy: (id) => void timers.delete(id),
}).enable();
Error.stackTraceLimit = 50;

const holding = () => [...timers.values()].filter((timer) => timer.hasRef()).length;
const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;

/** Expects a free DATA_DIR, no listener and no clock. */
async function expectNothingOpen(dataDir: string, act: () => Promise<unknown>): Promise<void> {
  await act();
  await expect.poll(listening).toBe(0);
  await expect.poll(holding).toBe(0);
  const again = await compose(configOf(dataDir), NO_LOG);
  await again.close();
}

const failing = async (config: Config, message?: RegExp) =>
  expect(compose(config, NO_LOG)).rejects.toThrow(message);

test("a start that finds no git leaves nothing open", async () => {
  const dataDir = tempDir();
  await expectNothingOpen(dataDir, () => failing(configOf(dataDir, { GIT_BINARY: "/no/such/git" })));
});

test("a start in another App's DATA_DIR leaves nothing open", async () => {
  const dataDir = tempDir();
  await (await compose(configOf(dataDir), NO_LOG)).close();
  await expectNothingOpen(dataDir, () =>
    failing(configOf(dataDir, { APP_ID: "2" }), /belongs to App 1, and APP_ID is 2/),
  );
});

test("a start with tables of a newer Lockstep leaves nothing open", async () => {
  const dataDir = tempDir();
  await (await compose(configOf(dataDir), NO_LOG)).close();
  const file = join(dataDir, "lockstep.db");
  const db = new Database(file);
  db.exec("UPDATE migrations SET version = 1000 WHERE module = 'queue'");
  db.close();
  await expectNothingOpen(dataDir, async () => {
    await failing(configOf(dataDir), /was written by a newer Lockstep/);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  });
});

test("a start that fails with gateway and consumers open leaves nothing open", async () => {
  const dataDir = tempDir();
  const config: Config = { ...configOf(dataDir), trustedProxies: ["no address"] };
  await expectNothingOpen(dataDir, () => failing(config));
});

test("a running Lockstep has a clock, a socket and the lock of DATA_DIR", async () => {
  const dataDir = tempDir();
  await expect.poll(listening).toBe(0);
  const lockstep = await compose(configOf(dataDir, { INTERVAL: "1h" }), NO_LOG);
  expect(listening()).toBe(1);
  expect(holding()).toBeGreaterThan(0);
  await failing(configOf(dataDir), /Another Lockstep is already running in/);
  await lockstep.close();
});

test("a stop ends everything, and runs once however often it is requested", async () => {
  const dataDir = tempDir();
  await expectNothingOpen(dataDir, async () => {
    const lockstep = await compose(configOf(dataDir), NO_LOG);
    await Promise.all([lockstep.close(), lockstep.close()]);
  });
});
