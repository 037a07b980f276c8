import { expect, test } from "vitest";
import { createViews } from "../../src/views/operator.js";
import { openRegistry } from "../support/registry.js";

test("/readyz writes to the database now and then, not for each request, and sees a stop at once", () => {
  const { store, registry } = openRegistry();
  let written = 0;
  let isStopping = false;
  const probe = () => {
    written += 1;
    store.probe();
  };
  const ports = { store: { ...store, probe }, registry, history: {}, logs: {}, removal: {} };
  const { health } = createViews({ ...ports, stopping: () => isStopping } as never);
  for (let n = 0; n < 200; n++) expect(health.ready()).toEqual({ ok: true });
  expect(written).toBe(1);
  isStopping = true;
  expect(health.ready()).toEqual({ ok: false, reason: "stopping" });
});
