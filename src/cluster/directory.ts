import type { RepositoryName } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import { forEachInSlices } from "../base/slices.js";
import { WIKI_IDS_FROM } from "../base/wikis.js";
import type { Store, Tables } from "../store/database.js";

export const DIRECTORY_TABLES: Tables = {
  module: "directory",
  steps: [
    `CREATE TABLE directory (
       id INTEGER PRIMARY KEY,
       installation_id INTEGER NOT NULL,
       owner TEXT NOT NULL COLLATE NOCASE,
       name TEXT NOT NULL COLLATE NOCASE,
       added_at INTEGER NOT NULL,
       left_at INTEGER
     );
     CREATE INDEX directory_name ON directory (owner, name);
     CREATE INDEX directory_installation ON directory (installation_id, left_at);`,
  ],
};

/** Every repository that GitHub lists, whoever owns it: a node finds names here, and counts what disappears. */
export interface Directory {
  /** Notes a part of an installation's list. */
  note(repositories: readonly RemoteRepository[]): void;
  /**
   * Notes that GitHub no longer has the repository, which was found between two lists.
   * @param at since when it counts as gone, in milliseconds since 1970, also where a list lacked it only later
   */
  leave(id: number, at: number): void;
  /** Notes that a complete list of an installation lacks whatever is not in `listed`. */
  close(installationId: number, listed: ReadonlySet<number>): void;
  /** Returns the id of the repository that was listed under this name; null: none was. */
  find(name: RepositoryName): number | null;
  /** Returns the repository as GitHub last listed it; null: it is not listed. */
  get(id: number): (RepositoryName & { id: number; installationId: number }) | null;
  /** Calls `act` with each repository that is listed, in slices of the event loop. */
  forEachId(act: (id: number) => void): Promise<void>;
  /**
   * Returns how many repositories are listed, without their wikis, and how many left the lists since `since` after an hour or more.
   * @param installationId null: of all
   */
  countOf(installationId: number | null, since: number): { managed: number; left: number };
  /**
   * Returns when the repository was first listed, in milliseconds since 1970; 0: it was in the first list that this node
   * read of its installation, and may be of any age; null: it never was listed.
   */
  addedAt(id: number): number | null;
}

/** Rows that are written in one transaction. */
const AT_A_TIME = 200;

/** @param now the wall clock, in milliseconds since 1970 */
export function createDirectory(store: Store, now: () => number = Date.now): Directory {
  const put = store.prepare(
    `INSERT INTO directory (id, installation_id, owner, name, added_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET installation_id = excluded.installation_id, owner = excluded.owner,
     name = excluded.name, left_at = NULL
     WHERE installation_id <> excluded.installation_id OR owner <> excluded.owner COLLATE BINARY
     OR name <> excluded.name COLLATE BINARY OR left_at IS NOT NULL`,
  );
  const present = store.prepare("SELECT id FROM directory WHERE installation_id = ? AND left_at IS NULL");
  const leave = store.prepare(
    "UPDATE directory SET left_at = ?1 WHERE id = ?2 AND (left_at IS NULL OR left_at > ?1)",
  );
  const find = store.prepare(
    "SELECT id FROM directory WHERE owner = ? AND name = ? ORDER BY left_at IS NOT NULL, left_at DESC LIMIT 1",
  );
  const get = store.prepare(
    "SELECT installation_id, owner, name FROM directory WHERE id = ? AND left_at IS NULL",
  );
  const count = store.prepare(
    `SELECT count(*) FILTER (WHERE left_at IS NULL) AS managed,
     count(*) FILTER (WHERE left_at > ?1 AND added_at < left_at - 3600000) AS left_since
     FROM directory WHERE id < ${WIKI_IDS_FROM} AND (?2 IS NULL OR installation_id = ?2)`,
  );
  const ids = store.prepare(
    "SELECT id FROM directory WHERE left_at IS NULL AND id > ? ORDER BY id LIMIT 2000",
  );
  const knows = store.prepare("SELECT 1 FROM directory WHERE installation_id = ? LIMIT 1");
  const added = store.prepare("SELECT added_at FROM directory WHERE id = ?");
  /** The installations whose first list is being read. */
  const first = new Set<number>();

  return {
    async forEachId(act) {
      for (let after = 0; ; ) {
        const some = ids.all(after).map(({ id }) => Number(id));
        await forEachInSlices(some, act);
        const last = some.at(-1);
        if (last === undefined) return;
        after = last;
      }
    },
    note: (repositories) =>
      store.transaction(() => {
        for (const installationId of new Set(repositories.map((it) => it.installationId)))
          if (!knows.get(installationId)) first.add(installationId);
        for (const { id, installationId, owner, name } of repositories)
          put.run(id, installationId, owner, name, first.has(installationId) ? 0 : now());
      }),
    leave: (id, at) => void leave.run(at, id),
    close(installationId, listed) {
      first.delete(installationId);
      const ids = present.all(installationId).map(({ id }) => Number(id));
      const left = ids.filter((id) => !listed.has(id));
      for (let from = 0; from < left.length; from += AT_A_TIME)
        store.transaction(() => {
          for (const id of left.slice(from, from + AT_A_TIME)) leave.run(now(), id);
        });
    },
    find({ owner, name }) {
      const id = find.get(owner, name)?.id;
      return id === undefined ? null : Number(id);
    },
    get(id) {
      const row = get.get(id);
      if (!row) return null;
      const { owner, name } = row;
      return { id, installationId: Number(row.installation_id), owner: String(owner), name: String(name) };
    },
    addedAt(id) {
      const at = added.get(id)?.added_at;
      return at === undefined ? null : Number(at);
    },
    countOf(installationId, since) {
      const row = count.get(since, installationId);
      return { managed: Number(row?.managed ?? 0), left: Number(row?.left_since ?? 0) };
    },
  };
}
