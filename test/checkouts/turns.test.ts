import { expect, test } from "vitest";
import { createTurns } from "../../src/checkouts/turns.js";

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

test("the running check of a repository ends for its next task, and waiting ones do not begin", async () => {
  const turns = createTurns();
  const order: string[] = [];
  const checks = [1, 2].map((n) =>
    turns.check(7, async (signal) => {
      order.push(`check ${n}`);
      await untilAborted(signal);
    }),
  );
  const other = turns.check(8, untilAborted);
  await Promise.resolve();
  turns.endChecks(7);
  await turns(7, async () => void order.push("publish"));
  await Promise.all(checks);
  expect(order.at(-1)).toBe("publish");
  expect(order).not.toContain("check 2");
  turns.endChecks(null);
  await other;
  await turns.idle();
});
