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
  offset: number;
  limit: number;
  /** The repositories that are being refreshed. */
  running: number[];
}

const IS_HELD = "(SELECT repository_id FROM holds WHERE allowed IS NULL)";

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
    const { order, isHeld, offset, limit } = query;
    const isAll = !isHeld && query.state === null && query.name === null && query.installationId === null;
    const from = isAll ? "FROM repositories" : `${FILTERED}${isHeld ? ` AND id IN ${IS_HELD}` : ""}`;
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
