import type { Store } from "../store/database.js";
import { type ManagedRepository, toRepository } from "./rows.js";
import { shownStateSql } from "./statements.js";

/** What the list is sorted by: owner, name, id. */
export type RepositoryPlace = [string, string, number];

/** null: whatever it is. */
export interface RepositoryFilter {
  /** As the API shows it: `refreshing` and `paused` besides the stored ones. */
  state: string | null;
  installationId: number | null;
  /** Part of `owner/name`, or with `*` and `?` all of it; in any case. */
  name: string | null;
}

export interface RepositoryQuery extends RepositoryFilter {
  limit: number;
  /** Only those behind it. */
  after: RepositoryPlace | null;
  /** The repositories that are being refreshed. */
  running: number[];
}

export interface RepositoryPage {
  repositories: ManagedRepository[];
  /** Where the next page begins; null: there is none. */
  next: RepositoryPlace | null;
  /** How many the filter lets through. */
  total: number;
}

/** The registry by pages: a page costs one walk over the table, whatever its place. */
export function createRepositoryList(store: Store): (query: RepositoryQuery) => RepositoryPage {
  const first = store.prepare(`SELECT * ${FILTERED} ORDER BY owner, name, id LIMIT ?5`);
  const behind = store.prepare(
    `SELECT * ${FILTERED} AND (owner, name, id) > (?6, ?7, ?8) ORDER BY owner, name, id LIMIT ?5`,
  );
  const count = store.prepare(`SELECT count(*) AS n ${FILTERED}`);
  return ({ state, installationId, name, limit, after, running }) => {
    const filter = [installationId, name === null ? null : like(name), state, JSON.stringify(running)];
    const rows = after ? behind.all(...filter, limit + 1, ...after) : first.all(...filter, limit + 1);
    const repositories = rows.slice(0, limit).map((row) => toRepository(row)!);
    const last = repositories.at(-1);
    return {
      repositories,
      next: rows.length > limit && last ? [last.owner, last.name, last.id] : null,
      total: Number(count.get(...filter)?.n),
    };
  };
}

const FILTERED = `FROM repositories WHERE (?1 IS NULL OR installation_id = ?1)
  AND (?2 IS NULL OR owner || '/' || name LIKE ?2 ESCAPE '\\')
  AND (?3 IS NULL OR ?3 = ${shownStateSql("WHEN id IN (SELECT value FROM json_each(?4)) THEN 'refreshing'")})`;

/** As LIKE has it, in which `%` and `_` are what `*` and `?` are to a shell. */
function like(name: string): string {
  const literal = name.replace(/[\\%_]/g, "\\$&");
  return /[*?]/.test(name) ? literal.replaceAll("*", "%").replaceAll("?", "_") : `%${literal}%`;
}
