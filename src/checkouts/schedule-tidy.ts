import type { Log } from "../base/log.js";
import type { Pool } from "./pool.js";
import type { Turns } from "./turns.js";
import { type WithdrawTools, withdrawUnwanted } from "./withdraw.js";

/** The tidy of each repository's trees, and the time of the next tidy. */
export type TidyContext = WithdrawTools & {
  pool: Pick<Pool, "tidy">;
  inTurn: Turns;
  /** Timers of the next tidy, by repository. */
  timers: Map<number, NodeJS.Timeout>;
  stopped: boolean;
  log: Pick<Log, "warn">;
};

/** A tidy that fails, such as with a database that cannot be written, is made again after this time. */
const RETRY_MS = 600_000;

/** Removes trees that are due, and schedules the removal of later ones. */
export function tidy(context: TidyContext, id: number): void {
  const { ledger, pool, timers } = context;
  const waits = ledger.of(id).filter(({ n, slug, missingSince }) => n !== null && slug && missingSince);
  const times = waits.map(({ missingSince }) => missingSince! + context.graceMs);
  for (const slug of ledger.slugs(id)) times.push(pool.tidy(id, slug) ?? Number.POSITIVE_INFINITY);
  const next = Math.min(...times);
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (context.stopped || next === Number.POSITIVE_INFINITY) return;
  tidyIn(context, id, Math.max(next - context.now(), 10));
}

function tidyIn(context: TidyContext, id: number, ms: number): void {
  const { timers } = context;
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => tidyAgain(context, id), ms).unref());
}

function tidyAgain(context: TidyContext, id: number): void {
  const { ledger, log } = context;
  const turn = context.inTurn(id, async () => {
    if (context.stopped) return;
    await withdrawUnwanted(context, id, new Set(ledger.of(id).map(({ slug }) => slug)));
    tidy(context, id);
  });
  void turn.catch((error) => {
    log.warn({ event: "trees_cleanup_failed", id, err: error }, "old trees could not be removed");
    if (!context.stopped) tidyIn(context, id, RETRY_MS);
  });
}
