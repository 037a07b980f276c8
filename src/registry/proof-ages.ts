import { latestBelieved } from "../base/clock.js";
import { fullName } from "../base/names.js";
import type { Store } from "../store/database.js";

export interface ProofAges {
  /** Age of the oldest proof, in milliseconds; null: no repository needs a proof. */
  oldestMs: number | null;
  /**
   * Repositories whose proof is too old or was dated by a clock that was ahead, or that keep failing; the first hundred by name. A repository that waits for
   * its first clone is not among them unless it keeps failing.
   */
  stale: { repository: string; reason: string }[];
}

interface Options {
  store: Store;
  staleAfterMs: number;
  /** Whether REFSPECS has more than heads and tags. */
  customRefs: boolean;
  now(): number;
}

/** This many tries take half a minute, so the failure is more than a hiccup. */
const MANY_ATTEMPTS = 4;
/** Details of a stale answer name at most this many repositories; the API lists all of them. */
const MAX_NAMED = 100;

/**
 * The age counts from `provenAt` of views/freshness.ts, or from when the repository was added. A paused
 * repository is old because an operator wants so, and is left out. Parameters: the time, whether REFSPECS has more
 * than heads and tags, the latest time that is believed.
 */
const MANAGED_WITH_AGE = `FROM (SELECT *, max(0, ?1 - coalesce(CASE
    WHEN full_at > ?3 THEN NULL
    WHEN ?2 = 0 AND state = 'fresh' AND pushed_at <= settled_pushed_at AND asked_at <= ?3 THEN max(full_at, asked_at)
    ELSE full_at END, added_at)) AS age
  FROM repositories WHERE state NOT IN ('gone', 'retired') AND paused_at IS NULL)`;

/**
 * SQLite computes the ages, not a loop over rows: monitors ask often, and a server may have ten thousand
 * repositories.
 */
export function createProofAges({ store, staleAfterMs, customRefs, now }: Options): () => ProofAges {
  const most = store.prepare(
    `SELECT max(age) AS age, max(full_at) AS full_at, max(error_attempt) AS attempt ${MANAGED_WITH_AGE}`,
  );
  const stale = store.prepare(
    `SELECT owner, name, state, error_code ${MANAGED_WITH_AGE} WHERE ((age > ?4 OR full_at > ?3) AND state <> 'onboarding')
     OR (state IN ('failing', 'onboarding') AND error_attempt >= ${MANY_ATTEMPTS})
     ORDER BY owner, name, id LIMIT ${MAX_NAMED}`,
  );
  return () => {
    const at = now();
    const latest = latestBelieved(at);
    const given = [at, customRefs ? 1 : 0, latest];
    const { age = null, full_at: fullAt, attempt } = most.get(...given) ?? {};
    const mayBeStale =
      Number(age) > staleAfterMs || Number(fullAt) > latest || Number(attempt) >= MANY_ATTEMPTS;
    return {
      oldestMs: age === null ? null : Number(age),
      stale: !mayBeStale
        ? []
        : stale.all(...given, staleAfterMs).map(({ owner, name, state, error_code }) => ({
            repository: fullName({ owner: String(owner), name: String(name) }),
            reason: error_code === null ? String(state) : `${state}: ${error_code}`,
          })),
    };
  };
}
