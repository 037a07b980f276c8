import type { RefreshError } from "../base/errors.js";
import type { Row, Store, Tables } from "../store/database.js";

export const INSTALLATION_TABLES: Tables = {
  module: "installations",
  steps: [
    `CREATE TABLE installations (
       id INTEGER PRIMARY KEY,
       login TEXT NOT NULL DEFAULT '',
       state TEXT NOT NULL DEFAULT 'active',
       since INTEGER NOT NULL,
       listed_at INTEGER,
       confirmed_at INTEGER NOT NULL DEFAULT 0,
       error_code TEXT, error_message TEXT, error_hint TEXT, error_at INTEGER
     );
     CREATE TABLE held_removals (
       repository_id INTEGER PRIMARY KEY,
       installation_id INTEGER NOT NULL,
       held_at INTEGER NOT NULL
     );
     CREATE INDEX held_removals_installation ON held_removals (installation_id);
     INSERT INTO installations (id, since)
       SELECT DISTINCT installation_id, unixepoch() * 1000 FROM repositories WHERE installation_id <> 0;`,
  ],
};

export type InstallationState = "active" | "suspended" | "gone";

export interface KnownInstallation {
  id: number;
  /** The account's name; empty until GitHub has reported the name. */
  login: string;
  state: InstallationState;
  /** When the installation entered its state, in milliseconds. */
  since: number;
  /** When the last complete list of its repositories was asked for, in milliseconds. */
  listedAt: number | null;
  /** When an operator last confirmed a removal, in milliseconds; 0: never. */
  confirmedAt: number;
  error: { code: string; message: string; hint: string; at: number } | null;
}

/**
 * Repositories that GitHub no longer shows, too many at once to be accepted without an operator's
 * confirmation.
 */
export interface HeldRemoval {
  repositoryIds: number[];
  /** Milliseconds since 1970. */
  heldAt: number;
}

/** The installations of the App, as GitHub last reported them. */
export interface Installations {
  all(): KnownInstallation[];
  get(id: number): KnownInstallation | null;
  /** @returns whether the state has changed. A login of null leaves the login unchanged. */
  note(id: number, state: InstallationState, login: string | null): boolean;
  /** @param askedAt when the list was asked for, in milliseconds since 1970 */
  listed(id: number, askedAt: number): void;
  failed(id: number, error: RefreshError): void;
  hold(id: number, repositoryIds: number[]): void;
  held(id: number): HeldRemoval | null;
  isHeld(repositoryId: number): boolean;
  release(repositoryId: number): void;
  /** Records that an operator has confirmed a removal. @param at when, in milliseconds since 1970 */
  confirm(id: number, at: number): void;
}

export function createInstallations(store: Store, now: () => number = Date.now): Installations {
  const sql = statements(store);
  const heldOf = (id: number) => sql.heldOf.all(id).map((row) => Number(row.repository_id));
  return {
    all: () => sql.all.all().map(read),
    get(id) {
      const row = sql.get.get(id);
      return row ? read(row) : null;
    },
    note(id, state, login) {
      const before = sql.get.get(id);
      sql.note.run(id, login ?? "", state, now());
      return before?.state !== state && !(before === undefined && state === "active");
    },
    listed: (id, askedAt) => void sql.listed.run(askedAt, id),
    failed: (id, { code, message, hint }) => void sql.failed.run(code, message, hint, now(), id),
    hold(id, repositoryIds) {
      for (const repositoryId of repositoryIds) sql.hold.run(repositoryId, id, now());
    },
    held(id) {
      const rows = sql.heldOf.all(id);
      if (rows.length === 0) return null;
      return { repositoryIds: heldOf(id), heldAt: Math.min(...rows.map((row) => Number(row.held_at))) };
    },
    isHeld: (repositoryId) => sql.isHeld.get(repositoryId) !== undefined,
    release: (repositoryId) => void sql.release.run(repositoryId),
    confirm: (id, at) => void sql.confirmed.run(at, id),
  };
}

function statements(store: Store) {
  return {
    all: store.prepare("SELECT * FROM installations ORDER BY login, id"),
    get: store.prepare("SELECT * FROM installations WHERE id = ?"),
    note: store.prepare(
      `INSERT INTO installations (id, login, state, since) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET login = CASE excluded.login WHEN '' THEN login ELSE excluded.login END,
       since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END, state = excluded.state`,
    ),
    listed: store.prepare(
      `UPDATE installations SET listed_at = ?, error_code = NULL, error_message = NULL, error_hint = NULL,
       error_at = NULL WHERE id = ?`,
    ),
    failed: store.prepare(
      `UPDATE installations SET error_code = ?, error_message = ?, error_hint = ?, error_at = ? WHERE id = ?`,
    ),
    hold: store.prepare(
      "INSERT INTO held_removals (repository_id, installation_id, held_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    heldOf: store.prepare(
      "SELECT repository_id, held_at FROM held_removals WHERE installation_id = ? ORDER BY repository_id",
    ),
    isHeld: store.prepare("SELECT 1 AS yes FROM held_removals WHERE repository_id = ?"),
    release: store.prepare("DELETE FROM held_removals WHERE repository_id = ?"),
    confirmed: store.prepare("UPDATE installations SET confirmed_at = max(confirmed_at, ?) WHERE id = ?"),
  };
}

function read(row: Row): KnownInstallation {
  return {
    id: Number(row.id),
    login: String(row.login),
    state: row.state as InstallationState,
    since: Number(row.since),
    listedAt: row.listed_at === null ? null : Number(row.listed_at),
    confirmedAt: Number(row.confirmed_at),
    error:
      row.error_code === null
        ? null
        : {
            code: String(row.error_code),
            message: String(row.error_message),
            hint: String(row.error_hint),
            at: Number(row.error_at),
          },
  };
}
