import { asRefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { type Layout, pointLink } from "../git/disk/layout.js";
import { treeDir } from "../git/tree/trees.js";
import type { Checkout, Ledger } from "./ledger.js";
import type { Pool } from "./pool.js";

interface RenameTools {
  ledger: Ledger;
  pool: Pick<Pool, "unlink">;
  layout: Layout;
  log: Pick<Log, "warn">;
}

/** Renames the links of a repository; at every moment one of the two links exists. */
export function renameLinks(tools: RenameTools, repository: RepositoryName & { id: number }): void {
  for (const checkout of tools.ledger.of(repository.id)) {
    const link = tools.layout.checkout(repository, checkout.slug);
    if (link !== checkout.link) renameLink(tools, checkout, link);
  }
}

function renameLink({ ledger, pool, layout, log }: RenameTools, checkout: Checkout, link: string): void {
  const dir = treeOf(layout, checkout);
  if (dir === null) return;
  try {
    pointLink(link, dir);
    ledger.put({ ...checkout, link });
    pool.unlink(checkout);
  } catch (error) {
    // Something else has the name; the next publish reports that, and the mirror stays in step.
    log.warn(
      { event: "checkout_link_failed", link, reason: asRefreshError(error).message },
      "a link could not be renamed",
    );
  }
}

/** Returns the directory of the published tree; null when none is published. */
export const treeOf = (layout: Layout, { id, slug, n }: Checkout): string | null =>
  n === null ? null : treeDir({ base: layout.trees(id, slug), n });
