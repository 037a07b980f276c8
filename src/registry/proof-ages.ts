import { fullName } from "../base/names.js";
import type { Store } from "../store/database.js";

export interface ProofAges {
  /** Age of the oldest proof, in milliseconds; null: there is no repository to prove. */
  oldestMs: number | null;
  /** Repositories whose proof is too old, or that keep failing; the first hundred by name. */
  stale: { repository: string; reason: string }[];
}

interface Options {
  store: Store;
  staleAfterMs: number;
  /** REFSPECS has more than heads and tags. */
  customRefs: boolean;
  now(): number;
}

/** So many tries take half a minute: by then it is no hiccup. */
const MANY_ATTEMPTS = 4;
/** Details of a stale answer name no more repositories than this; the API lists them all. */
const MAX_NAMED = 100;

/** `provenAt` of views/freshness.ts, or when it was added. What an operator has paused is old by his own word. */
const KEPT = `FROM (SELECT *, ?1 - coalesce(CASE
    WHEN ?2 = 0 AND state = 'fresh' AND pushed_at <= settled_pushed_at THEN max(full_at, confirmed_at)
    ELSE full_at END, added_at) AS age
  FROM repositories WHERE state NOT IN ('gone', 'retired') AND paused_at IS NULL)`;

/** Read by SQLite, not row by row: monitors ask often, and there may be ten thousand repositories. */
export function createProofAges({ store, staleAfterMs, customRefs, now }: Options): () => ProofAges {
  const oldest = store.prepare(`SELECT max(age) AS age ${KEPT}`);
  const stale = store.prepare(
    `SELECT owner, name, state, error_code ${KEPT} WHERE age > ?3
     OR (state IN ('failing', 'onboarding') AND error_attempt >= ${MANY_ATTEMPTS})
     ORDER BY owner, name, id LIMIT ${MAX_NAMED}`,
  );
  return () => {
    const given = [now(), customRefs ? 1 : 0];
    const age = oldest.get(...given)?.age;
    return {
      oldestMs: age === null || age === undefined ? null : Math.max(0, Number(age)),
      stale: stale.all(...given, staleAfterMs).map(({ owner, name, state, error_code }) => ({
        repository: fullName({ owner: String(owner), name: String(name) }),
        reason: error_code === null ? String(state) : `${state}: ${error_code}`,
      })),
    };
  };
}
