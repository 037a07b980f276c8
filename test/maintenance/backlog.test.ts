import { expect, test } from "vitest";
import { createMaintenanceLog, MAINTENANCE_TABLES } from "../../src/maintenance/log.js";
import { createMaintenance } from "../../src/maintenance/scheduler.js";
import { openStore } from "../../src/store/database.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const NOW = 1_800_000_000_000;

test("the backlog counts the tasks that wait for their turn, and tells how long the oldest has waited", async () => {
  const store = openStore(tempDir(), [MAINTENANCE_TABLES]);
  afterThis(async () => store.close());
  // Every mirror has waited for its first check for a month.
  createMaintenanceLog(store, () => NOW - 30 * 86_400_000).see([1, 2, 3]);
  const clock = { at: 0 };
  /** A check that lasts until it is ended. */
  const check = (_: number, signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const ports = {
    records: createMaintenanceLog(store, () => NOW),
    upkeep: { check },
    mirrors: { ensure: () => true, trusts: () => true, distrust() {}, condemn() {} },
    repositoryIds: () => [1, 2, 3],
    repository: (id: number) => ({ id, owner: "acme", name: `app-${id}`, state: "fresh" }),
    isIdle: () => true,
    hasRoom: () => true,
    request() {},
    log: quiet,
    now: () => NOW,
    clock: () => clock.at,
  };
  const maintenance = createMaintenance(ports as never);
  await Promise.all([maintenance.pass(), maintenance.pass()]);
  await expect.poll(() => maintenance.backlog().waiting).toBe(2);
  clock.at = 5_000;
  expect(maintenance.backlog()).toEqual({ waiting: 2, oldestMs: 5_000 });
  await maintenance.stop();
});
