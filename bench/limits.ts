import { setTimeout as sleep } from "node:timers/promises";
import type { Lockstep } from "../tools/lockstep.js";
import type { StandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import type { Report } from "./run.js";
import { INTERVAL_MS, statusOf, until } from "./sweep.js";

/** The wait is longer than the time between passes, so that one pass falls into the wait. */
const WAIT_S = Math.ceil((1.5 * INTERVAL_MS) / 1000);

/**
 * Reports what Lockstep does, and shows, when GitHub asks it to wait: by Retry-After, then by
 * x-ratelimit-reset.
 */
export async function reportLimits(out: Report, standin: StandIn, lockstep: Lockstep): Promise<void> {
  progress("waiting for what Lockstep does under a secondary limit …");
  standin.faults.secondaryLimit(WAIT_S);
  await report(out, standin, lockstep, `Retry-After: ${WAIT_S}`);
  progress("waiting for what Lockstep does under a used-up primary limit …");
  const allowed = standin.limits.app;
  standin.limits.windowMs = WAIT_S * 1000;
  standin.limits.reset();
  standin.limits.app = 0;
  await report(out, standin, lockstep, `x-ratelimit-reset in ${WAIT_S} s`);
  standin.limits.app = allowed;
}

async function report(out: Report, standin: StandIn, lockstep: Lockstep, what: string): Promise<void> {
  const refused = await nextRefusal(standin);
  const shown = await heldUntil(lockstep);
  const reported = shown === null ? "nothing of it" : `heldUntil ${shown}`;
  standin.clearCounters();
  await until(async () => standin.calls.length > 0);
  const waited = ((performance.now() - refused.at) / 1000).toFixed(1);
  out.text(
    `${refused.status} with ${what}: the next call came after ${waited} s; GET /api/v1/status shows ${reported}`,
  );
}

function nextRefusal(standin: StandIn): Promise<{ at: number; status: number }> {
  return new Promise((resolve) => {
    const look = ({ status }: { status: number }): void => {
      if (status !== 403 && status !== 429) return;
      standin.off("call", look);
      resolve({ at: performance.now(), status });
    };
    standin.on("call", look);
  });
}

async function heldUntil(lockstep: Lockstep): Promise<string | null> {
  // The answer is still on its way to Lockstep.
  await sleep(500);
  const { github } = await statusOf(lockstep);
  return github.limits.map((limit) => limit.heldUntil).find((at) => at !== null) ?? null;
}
