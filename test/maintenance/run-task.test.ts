import { expect, test } from "vitest";
import { createMaintenanceLog, MAINTENANCE_TABLES } from "../../src/maintenance/log.js";
import { runTask } from "../../src/maintenance/run-task.js";
import { openStore } from "../../src/store/database.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

test("a check is dated when it began, because it has not seen what came later", async () => {
  const store = openStore(tempDir(), [MAINTENANCE_TABLES]);
  afterThis(async () => store.close());
  const clock = { now: 1_800_000_000_000 };
  const now = () => clock.now;
  const records = createMaintenanceLog(store, now);
  const check = async () => {
    clock.now += 3_600_000;
    return { sound: true };
  };
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const mirrors = { ensure: () => true, distrust() {}, condemn() {} };
  const ports = { ...{ records, now, mirrors, log: quiet, request() {} }, upkeep: { check } };
  const repository = { id: 7, owner: "acme", name: "app" };
  const { signal } = new AbortController();
  await runTask(ports as never, repository as never, "check", { signal, isStopped: () => false });
  expect(records.get(7).runs.check.doneAt).toBe(clock.now - 3_600_000);
});
