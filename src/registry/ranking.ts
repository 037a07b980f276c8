import type { Statement, Store } from "../store/database.js";
import { FILTERED, filterValues, type RepositoryFilter } from "./list.js";
import { type ManagedRepository, toRepository } from "./rows.js";
import { RANK } from "./tables.js";

const ORDERS = {
  worst: `${RANK}, owner, name, id`,
  name: "owner, name, id",
  lag: "lag_ms DESC, owner, name, id",
  pushed: "pushed_at DESC, owner, name, id",
  proven: "max(coalesce(full_at, 0), asked_at), owner, name, id",
} as const;
export type RankOrder = keyof typeof ORDERS;

export interface RankQuery extends RepositoryFilter {
  order: RankOrder;
  /** Only repositories with held refs. */
  isHeld: boolean;
  /** Leaves out repositories with held refs. */
  hasNoHolds?: boolean;
  offset: number;
  limit: number;
  /** The repositories that are being refreshed. */
  running: number[];
}

/** The ids of the repositories with refs that wait for an operator. */
export const HELD = "(SELECT repository_id FROM holds WHERE allowed IS NULL)";

/** Lists repositories in an order of the operator's. The worst first cost a walk over an index as far as the page. */
export function createRanking(store: Store) {
  const statements = new Map<string, Statement>();
  const prepare = (sql: string) => {
    const known = statements.get(sql) ?? store.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const all = store.prepare("SELECT count(*) AS n FROM repositories");

  return (query: RankQuery): { repositories: ManagedRepository[]; total: number } => {
    const { order, isHeld, hasNoHolds = false, offset, limit } = query;
    const isFiltered = query.state !== null || query.name !== null || query.installationId !== null;
    const isAll = !isFiltered && !isHeld && !hasNoHolds;
    const holds = `${isHeld ? ` AND id IN ${HELD}` : ""}${hasNoHolds ? ` AND id NOT IN ${HELD}` : ""}`;
    const from = isAll ? "FROM repositories" : FILTERED + holds;
    const values = isAll ? [] : filterValues({ ...query, seen: undefined });
    const rows = prepare(`SELECT * ${from} ORDER BY ${ORDERS[order]} LIMIT ? OFFSET ?`).all(
      ...values,
      limit,
      offset,
    );
    const count = isAll ? all.get() : prepare(`SELECT count(*) AS n ${from}`).get(...values);
    return { repositories: rows.map((row) => toRepository(row)!), total: Number(count?.n) };
  };
}
