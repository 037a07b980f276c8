import { expect, test } from "vitest";
import { createKeeper, type KeeperPorts } from "../../src/lfs/keeper.js";

test("what finds no room on the disk is looked at again with the next retry", async () => {
  const disk = { asked: 0 };
  const keeper = createKeeper({
    targetOf: () => ({ installationId: 7, owner: "acme", name: "app" }),
    isWhole: () => true,
    hasRoom() {
      disk.asked += 1;
      return false;
    },
    records: { withDue: () => [] },
    now: Date.now,
    log: { info() {}, warn() {} },
  } as unknown as KeeperPorts);
  keeper.changed(1);
  await keeper.idle();
  expect(disk.asked).toBe(1);
  keeper.retry();
  await keeper.idle();
  expect(disk.asked).toBe(2);
});
