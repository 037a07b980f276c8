import type { Store } from "../store/database.js";
import { HELD } from "./ranking.js";
import { type ManagedRepository, toRepository } from "./rows.js";

export interface Troubled {
  /** Counts the repositories whose refresh failed by the code of the failure, the failure of the longest ago first. */
  byCode(): { code: string; count: number }[];
  /** Lists some of those that failed with a code, the failure of the longest ago first. */
  of(code: string, limit: number): ManagedRepository[];
  /** Counts the repositories that are in step but for held refs. */
  held(): number;
}

/** A paused repository fails because an operator wants so. */
const FAILING = `FROM repositories WHERE state IN ('failing', 'incomplete', 'onboarding') AND paused_at IS NULL
  AND error_code IS NOT NULL`;

/** Finds the repositories that an operator should look at. */
export function createTroubled(store: Store): Troubled {
  const byCode = store.prepare(
    `SELECT error_code AS code, count(*) AS count ${FAILING} GROUP BY error_code ORDER BY min(error_at)`,
  );
  const some = store.prepare(`SELECT * ${FAILING} AND error_code = ? ORDER BY error_at, owner, name LIMIT ?`);
  const held = store.prepare(
    `SELECT count(*) AS n FROM repositories WHERE id IN ${HELD} AND state = 'fresh' AND paused_at IS NULL`,
  );
  return {
    held: () => Number(held.get()?.n),
    byCode: () => byCode.all().map(({ code, count }) => ({ code: String(code), count: Number(count) })),
    of: (code, limit) => some.all(code, limit).map((row) => toRepository(row)!),
  };
}
