import { expect, test } from "vitest";
import { idsOf } from "../../src/telemetry/ids.js";

test("the trace of a delivery has the delivery's GUID, and its first span follows from it", () => {
  const id = "72D3162E-cc78-11e3-81ab-4c9367dc0958";
  const ids = idsOf(id);
  expect(ids.traceId).toBe("72d3162ecc7811e381ab4c9367dc0958");
  expect(ids.spanId).toMatch(/^[\da-f]{16}$/);
  expect(idsOf(id)).toEqual(ids);
});

test("an id that is no GUID has a trace, too", () => {
  const [one, other] = [idsOf("by hand"), idsOf("by hand, again")];
  expect(one.traceId).toMatch(/^[\da-f]{32}$/);
  expect(one.traceId).not.toBe(other.traceId);
});
