import { type Wanted, writeOptions } from "../config/checkouts.js";
import { type Layout, linkTarget } from "../git/disk/layout.js";
import type { Checkout, Ledger } from "./ledger.js";
import type { Publishable } from "./publish.js";
import { treeOf } from "./rename-links.js";

interface Tools {
  ledger: Ledger;
  layout: Layout;
}

/** Whether a tree that CHECKOUTS asks for is missing, or a published tree is no longer asked for. */
export function isOutdated(tools: Tools, repository: Publishable, wanted: Wanted[]): boolean {
  const known = new Map(tools.ledger.of(repository.id).map((checkout) => [checkout.slug, checkout]));
  if (known.size > wanted.length) return true;
  return wanted.some((one) => differs(tools, repository, one, known.get(one.slug)));
}

function differs(
  { ledger, layout }: Tools,
  repository: Publishable,
  wanted: Wanted,
  checkout: Checkout | undefined,
): boolean {
  const { slug } = wanted;
  if (!checkout || checkout.refusal) return !checkout;
  if (checkout.link !== layout.checkout(repository, slug) || checkout.n === null) return true;
  if (ledger.tree(repository.id, slug, checkout.n)?.state !== "ready") return true;
  return checkout.options !== writeOptions(wanted) || linkTarget(checkout.link) !== treeOf(layout, checkout);
}
