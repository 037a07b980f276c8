import type { Log } from "../base/log.js";
import { type CheckoutChange, type RepositoryName, ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Verdict } from "./candidate.js";
import type { Checkout, Ledger } from "./ledger.js";

export interface RefuseTools {
  ledger: Ledger;
  /** Announces the refusal; must be called in the transaction that records it. */
  refused(id: number, change: CheckoutChange): void;
  log: Pick<Log, "warn">;
  now(): number;
}

/** The checkout whose commit is refused. */
export interface Of {
  repository: RepositoryName;
  checkout: Checkout;
  ref: string;
}

/** Records why a commit is not published; the tree of the earlier commit stays. */
export function refuse(
  tools: RefuseTools,
  of: Of,
  why: NonNullable<Verdict>,
  { tip, sha }: { tip: string; sha: string | null },
): void {
  const { checkout } = of;
  const refusal = { ...why, at: tools.now(), tip };
  record(tools, of, { wanted: sha, missingSince: checkout.missingSince, refusal }, sha ?? tip);
  const details = { repository: fullName(of.repository), ref: of.ref, commit: sha };
  tools.log.warn(
    { event: "publish_refused", ...details, published: checkout.sha, ...why },
    "commit not published; the old tree stays",
  );
}

/** Handles a deleted ref: the default branch's tree stays, and any other tree stays for the grace. */
export function refuseMissing(tools: RefuseTools, of: Of): void {
  const { now } = tools;
  const refusal = { reason: "missing" as const, output: `the mirror has no ${of.ref}`, at: now(), tip: ZERO };
  const missingSince = of.checkout.missingSince ?? now();
  record(tools, of, { wanted: null, missingSince, refusal }, ZERO);
  tools.log.warn(
    { event: "published_ref_deleted", repository: fullName(of.repository), ref: of.ref },
    "the ref of a published tree was deleted",
  );
}

type Fields = Pick<Checkout, "wanted" | "missingSince" | "refusal">;

/** The ledger's row is read again, because its link may have been renamed while the gate had the commit. */
function record(tools: RefuseTools, { checkout, ref }: Of, fields: Fields, after: string): void {
  const { ledger } = tools;
  const { id, slug } = checkout;
  ledger.transaction(() => {
    const known = ledger.get(id, slug) ?? checkout;
    ledger.put({ ...known, ...fields });
    const isNews = known.refusal?.tip !== fields.refusal?.tip;
    if (isNews) tools.refused(id, { ref, path: known.link, before: known.sha ?? ZERO, after });
  });
}
