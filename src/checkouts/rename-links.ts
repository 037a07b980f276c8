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

/** The repository has this name now: its links follow, without a gap in which there is none. */
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
    // Something else has the name: the next publish says so, the mirror goes on.
    log.warn(
      { event: "checkout_link_failed", link, reason: asRefreshError(error).message },
      "a link could not be renamed",
    );
  }
}

/** Where its tree is; null: none is published. */
export const treeOf = (layout: Layout, { id, slug, n }: Checkout): string | null =>
  n === null ? null : treeDir({ base: layout.trees(id, slug), n });
