import type { Store, Tables } from "../store/database.js";

export const TAKEOVER_TABLES: Tables = {
  module: "takeovers",
  steps: [
    `CREATE TABLE takeovers (
       repository_id INTEGER NOT NULL,
       node TEXT NOT NULL,
       version TEXT NOT NULL,
       PRIMARY KEY (repository_id, node)
     ) WITHOUT ROWID;
     CREATE TABLE set_aside (repository_id INTEGER PRIMARY KEY);`,
  ],
};

/** What this node has taken over from others, so that a hold that has ended since, or a pause, does not come back. */
export interface Takeovers {
  /** Returns the version of what was last taken from the node; null: nothing was. */
  find(id: number, node: string): string | null;
  note(id: number, node: string, version: string): void;
  /** Forgets what was taken, because the mirror is made again. */
  forget(id: number): void;
  /** Notes that others own the repository: what is here of it is out of date from now on. */
  setAside(id: number): void;
  /** Whether the repository was set aside here, and nothing was taken over since. */
  wasSetAside(id: number): boolean;
  /** Notes that a repository that was set aside is here again. */
  resume(id: number): void;
}

export function createTakeovers(store: Store): Takeovers {
  const sql = {
    find: store.prepare("SELECT version FROM takeovers WHERE repository_id = ? AND node = ?"),
    note: store.prepare("INSERT OR REPLACE INTO takeovers VALUES (?, ?, ?)"),
    forget: store.prepare("DELETE FROM takeovers WHERE repository_id = ?"),
    setAside: store.prepare("INSERT OR IGNORE INTO set_aside VALUES (?)"),
    wasSetAside: store.prepare("SELECT 1 FROM set_aside WHERE repository_id = ?"),
    resume: store.prepare("DELETE FROM set_aside WHERE repository_id = ?"),
  };
  return {
    find(id, node) {
      const version = sql.find.get(id, node)?.version;
      return version === undefined ? null : String(version);
    },
    note: (id, node, version) => void sql.note.run(id, node, version),
    forget: (id) => void sql.forget.run(id),
    setAside: (id) => void sql.setAside.run(id),
    wasSetAside: (id) => sql.wasSetAside.get(id) !== undefined,
    resume: (id) => void sql.resume.run(id),
  };
}
