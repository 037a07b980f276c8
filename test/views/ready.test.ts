import { expect, test } from "vitest";
import type { Full } from "../../src/machine/disk.js";
import { createViews } from "../../src/views/operator.js";
import { openRegistry } from "../support/registry.js";

test("/readyz writes to the database now and then, not for each request, and sees a stop at once", () => {
  const { store, registry } = openRegistry();
  let written = 0;
  let isStopping = false;
  let full: Full | null = null;
  const probe = () => {
    written += 1;
    store.probe();
  };
  const ports = {
    store: { ...store, probe },
    registry,
    history: {},
    logs: {},
    removal: {},
    queue: {},
    onSettled: () => () => {},
    disk: { state: () => ({ full }) },
  };
  const { health } = createViews({ ...ports, stopping: () => isStopping } as never);
  for (let n = 0; n < 200; n++) expect(health.ready()).toEqual({ ok: true });
  expect(written).toBe(1);
  full = {
    path: "/data",
    lacks: "space",
    freeBytes: 0,
    neededBytes: 2 ** 28,
    freeFiles: null,
    stops: ["refresh"],
  };
  expect(health.ready()).toEqual({
    ok: true,
    reason: "on the disk of /data 0B are free, and at least 256MiB are needed",
  });
  isStopping = true;
  expect(health.ready()).toEqual({ ok: false, reason: "stopping" });
});
