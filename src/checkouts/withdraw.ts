import type { Log } from "../base/log.js";
import type { Layout } from "../git/disk/layout.js";
import type { Pins } from "../git/mirror/pins.js";
import type { Visit } from "../git/mirror/writers.js";
import type { Blobs } from "./blobs.js";
import type { Checkout, Ledger } from "./ledger.js";
import type { Pool } from "./pool.js";

export interface WithdrawTools {
  ledger: Ledger;
  pool: Pick<Pool, "heal" | "withdraw">;
  blobs: Pick<Blobs, "forget">;
  pins: Pick<Pins, "drop">;
  visit: Visit;
  layout: Layout;
  graceMs: number;
  now(): number;
  log: Pick<Log, "info">;
}

/**
 * Withdraws trees that CHECKOUTS no longer asks for, and trees whose ref was deleted longer ago than the
 * grace.
 * @param slugs the checkouts that CHECKOUTS asks for
 */
export async function withdrawUnwanted(
  tools: WithdrawTools,
  id: number,
  slugs: ReadonlySet<string>,
): Promise<void> {
  const { ledger, pool, layout } = tools;
  for (const checkout of ledger.of(id)) {
    const { slug, link, ref, n } = checkout;
    pool.heal(id, slug, link);
    const isAskedFor = slugs.has(slug);
    if (isAskedFor && !(n !== null && isPastGrace(tools, checkout))) continue;
    ledger.transaction(() => {
      unpublish(tools, checkout);
      if (!isAskedFor) ledger.drop(id, slug);
    });
    tools.log.info({ event: "unpublished", link, ref }, "no longer published");
    tools.blobs.forget(id, slug);
    await tools.visit(id, never, () => tools.pins.drop(layout.mirror(id), slug));
  }
}

const never = new AbortController().signal;

/** Whether the ref was deleted longer ago than the grace. The default branch's tree stays. */
const isPastGrace = ({ graceMs, now }: WithdrawTools, { slug, missingSince }: Checkout): boolean =>
  slug !== "" && missingSince !== null && missingSince + graceMs <= now();

/** Removes the tree's public name; readers may use the tree until the grace is over. */
export function unpublish(
  { ledger, pool }: Pick<WithdrawTools, "ledger" | "pool">,
  checkout: Checkout,
): void {
  ledger.transaction(() => {
    pool.withdraw(checkout);
    ledger.put({ ...checkout, n: null, tip: null, sha: null, publishedAt: null, notes: [] });
  });
}
