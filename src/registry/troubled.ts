import type { Store } from "../store/database.js";
import { type ManagedRepository, toRepository } from "./rows.js";

export interface Troubled {
  /** The repositories whose refresh failed, the failure of the longest ago first; at most `limit`. */
  failing(limit: number): ManagedRepository[];
  /** How many there are. */
  count(): number;
}

/** A paused repository fails because an operator wants so. */
const FAILING = `FROM repositories WHERE state IN ('failing', 'incomplete', 'onboarding') AND paused_at IS NULL
  AND error_code IS NOT NULL`;

/** Finds the repositories that an operator should look at. */
export function createTroubled(store: Store): Troubled {
  const failing = store.prepare(`SELECT * ${FAILING} ORDER BY error_at, owner, name LIMIT ?`);
  const count = store.prepare(`SELECT count(*) AS n ${FAILING}`);
  return {
    failing: (limit) => failing.all(limit).map((row) => toRepository(row)!),
    count: () => Number(count.get()?.n),
  };
}
