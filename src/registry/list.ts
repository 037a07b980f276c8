import { fullName } from "../base/names.js";
import type { Store } from "../store/database.js";
import { type ManagedRepository, toRepository } from "./rows.js";
import type { Seen } from "./seen.js";
import { shownStateSql } from "./statements.js";

/** The list is sorted by owner, name and id. */
export type RepositoryPlace = [string, string, number];

/** A null field matches everything. */
export interface RepositoryFilter {
  /**
   * The state as the API shows it: `refreshing` and `paused` in addition to the stored states. A repository that is being
   * refreshed matches its stored state, too.
   */
  state: string | null;
  installationId: number | null;
  /** A part of `owner/name`, or with `*` and `?` the whole of it; case does not count. */
  name: string | null;
}

export interface RepositoryQuery extends RepositoryFilter {
  limit: number;
  /** Only repositories after this place are listed. */
  after: RepositoryPlace | null;
  /** The repositories that are being refreshed. */
  running: number[];
  /** Leaves out every other repository; undefined: none is left out. */
  seen?: Seen | undefined;
}

export interface RepositoryPage {
  repositories: ManagedRepository[];
  /** Where the next page begins; null: this is the last page. */
  next: RepositoryPlace | null;
  /** The number of repositories that match the filter. */
  total: number;
}

/** Returns the ids of all repositories that a filter matches. */
export function createIdList(store: Store) {
  const ids = store.prepare(`SELECT id ${FILTERED}`);
  return (query: RepositoryFilter & Pick<RepositoryQuery, "running" | "seen">): number[] =>
    ids.all(...filterValues(query)).map(({ id }) => Number(id));
}

/** Lists the registry by pages: a page costs one walk over the table, whatever its place. */
export function createRepositoryList(store: Store): (query: RepositoryQuery) => RepositoryPage {
  const first = store.prepare(`SELECT * ${FILTERED} ORDER BY owner, name, id LIMIT ?6`);
  const behind = store.prepare(
    `SELECT * ${FILTERED} AND (owner, name, id) > (?7, ?8, ?9) ORDER BY owner, name, id LIMIT ?6`,
  );
  const count = store.prepare(`SELECT count(*) AS n ${FILTERED}`);
  return ({ state, installationId, name, limit, after, running, seen }) => {
    const filter = filterValues({ state, installationId, name, running, seen });
    const rows = after ? behind.all(...filter, limit + 1, ...after) : first.all(...filter, limit + 1);
    const repositories = rows.slice(0, limit).map((row) => toRepository(row)!);
    const last = repositories.at(-1);
    return {
      // A name may have changed since the ids were collected.
      repositories: seen ? repositories.filter((one) => seen.sees(fullName(one))) : repositories,
      next: rows.length > limit && last ? [last.owner, last.name, last.id] : null,
      total: Number(count.get(...filter)?.n),
    };
  };
}

/** Returns the values of the five parameters of `FILTERED`. */
export const filterValues = ({
  state,
  installationId,
  name,
  running,
  seen,
}: RepositoryFilter & Pick<RepositoryQuery, "running" | "seen">): unknown[] => [
  installationId,
  name === null ? null : like(name),
  state,
  JSON.stringify(running),
  seen?.ids ?? null,
];

export const FILTERED = `FROM repositories WHERE (?1 IS NULL OR installation_id = ?1)
  AND (?2 IS NULL OR owner || '/' || name LIKE ?2 ESCAPE '\\')
  AND (?3 IS NULL OR ?3 = ${shownStateSql("WHEN id IN (SELECT value FROM json_each(?4)) THEN 'refreshing'")}
    OR ?3 = ${shownStateSql()})
  AND (?5 IS NULL OR id IN (SELECT value FROM json_each(?5)))`;

/** Writes a pattern for LIKE, where `%` and `_` are what `*` and `?` are to a shell. */
function like(name: string): string {
  const literal = name.replace(/[\\%_]/g, "\\$&");
  return /[*?]/.test(name) ? literal.replaceAll("*", "%").replaceAll("?", "_") : `%${literal}%`;
}
