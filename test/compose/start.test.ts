import { rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import type { Config } from "../../src/config/load.js";
import { configOf, NO_LOG } from "../support/config.js";
import { tempDir } from "../support/temp.js";

const open = (kind: string) => process.getActiveResourcesInfo().filter((it) => it === kind).length;

/** DATA_DIR is free, nobody listens, no clock runs. */
async function expectNothingOpen(dataDir: string, act: () => Promise<unknown>): Promise<void> {
  const servers = open("TCPServerWrap");
  const timers = open("Timeout");
  await act();
  expect(open("TCPServerWrap")).toBe(servers);
  expect(open("Timeout")).toBeLessThanOrEqual(timers);
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
  await expectNothingOpen(dataDir, () => failing(configOf(dataDir, { APP_ID: "2" }), /is that of App 1/));
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

test("a stop ends everything, and is made once however often it is asked for", async () => {
  const dataDir = tempDir();
  await expectNothingOpen(dataDir, async () => {
    const lockstep = await compose(configOf(dataDir), NO_LOG);
    await Promise.all([lockstep.close(), lockstep.close()]);
  });
});
