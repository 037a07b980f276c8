import { expect, test } from "vitest";
import { createRefusedCalls } from "../../src/receiver/refused.js";

test("refused calls are counted by reason and address, the latest first, and a flood is bounded", () => {
  const clock = { now: 0 };
  const calls = createRefusedCalls(() => clock.now++);
  for (let n = 0; n < 1_000; n++) calls.note("bad_signature", `192.0.2.${n}`);
  calls.note("bad_signature", "192.0.2.998");
  calls.note("rate_limited", "192.0.2.998");
  const { refused, total } = calls.list();
  expect([refused.length, total]).toEqual([100, 1_002]);
  expect(refused.slice(0, 2)).toEqual([
    { reason: "rate_limited", address: "192.0.2.998", count: 1, lastAt: 1_001 },
    { reason: "bad_signature", address: "192.0.2.998", count: 2, lastAt: 1_000 },
  ]);
});
