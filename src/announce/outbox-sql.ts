import type { Store, Tables } from "../store/database.js";

export const OUTBOX_TABLES: Tables = {
  module: "outbox",
  steps: [
    `CREATE TABLE intents (
       seq INTEGER PRIMARY KEY AUTOINCREMENT,
       repository_id INTEGER NOT NULL,
       at INTEGER NOT NULL,
       trigger TEXT NOT NULL,
       type TEXT NOT NULL,
       state TEXT NOT NULL DEFAULT 'intended',
       changed INTEGER NOT NULL DEFAULT 0,
       changes TEXT NOT NULL DEFAULT '[]'
     );
     CREATE INDEX intents_repository ON intents (repository_id);
     CREATE TABLE events (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       repository_id INTEGER NOT NULL,
       at INTEGER NOT NULL,
       body TEXT NOT NULL
     );
     CREATE INDEX events_repository ON events (repository_id, id, at);
     CREATE INDEX events_at ON events (at);`,
    `CREATE TABLE published (
       repository_id INTEGER NOT NULL,
       path TEXT NOT NULL,
       ref TEXT NOT NULL,
       before TEXT NOT NULL,
       after TEXT NOT NULL,
       PRIMARY KEY (repository_id, path)
     ) WITHOUT ROWID;`,
    `CREATE TABLE refused (
       repository_id INTEGER NOT NULL,
       path TEXT NOT NULL,
       ref TEXT NOT NULL,
       before TEXT NOT NULL,
       after TEXT NOT NULL,
       PRIMARY KEY (repository_id, path)
     ) WITHOUT ROWID;`,
    "ALTER TABLE events ADD COLUMN is_life INTEGER NOT NULL DEFAULT 0",
  ],
};

export type OutboxStatements = ReturnType<typeof outboxStatements>;

export function outboxStatements(store: Store) {
  return {
    intend: store.prepare(
      "INSERT INTO intents (repository_id, at, trigger, type, changed, changes) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    intents: store.prepare("SELECT * FROM intents WHERE repository_id = ? ORDER BY seq"),
    made: store.prepare(
      "UPDATE intents SET state = 'made', type = ?, changed = ?, changes = ? WHERE seq = ?",
    ),
    // A refresh must not discard the intent of a new mirror that is already in place.
    cloned: store.prepare(
      "UPDATE intents SET state = 'made', type = ?, changed = ?, changes = ? WHERE repository_id = ? AND type = 'cloned'",
    ),
    forget: store.prepare("DELETE FROM intents WHERE seq = ?"),
    forgetAll: store.prepare("DELETE FROM intents WHERE repository_id = ?"),
    forgetClone: store.prepare("DELETE FROM intents WHERE repository_id = ? AND type = 'cloned'"),
    // `before` stays the value of the last announced event.
    tree: store.prepare(
      `INSERT INTO published (repository_id, path, ref, before, after) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET ref = excluded.ref, after = excluded.after`,
    ),
    trees: store.prepare(
      "SELECT ref, before, after, path FROM published WHERE repository_id = ? ORDER BY path",
    ),
    owed: store.prepare(
      `SELECT EXISTS (SELECT 1 FROM intents WHERE repository_id = ?) OR EXISTS (SELECT 1 FROM published WHERE repository_id = ?)
       OR EXISTS (SELECT 1 FROM refused WHERE repository_id = ?) AS yes`,
    ),
    forgetTrees: store.prepare("DELETE FROM published WHERE repository_id = ?"),
    refuse: store.prepare(
      "INSERT OR REPLACE INTO refused (repository_id, path, ref, before, after) VALUES (?, ?, ?, ?, ?)",
    ),
    accept: store.prepare("DELETE FROM refused WHERE repository_id = ? AND path = ?"),
    refused: store.prepare(
      "SELECT ref, before, after, path FROM refused WHERE repository_id = ? ORDER BY path",
    ),
    forgetRefused: store.prepare("DELETE FROM refused WHERE repository_id = ?"),
    publish: store.prepare(
      "INSERT INTO events (repository_id, at, is_life, body) VALUES (?, ?, ?, ?) RETURNING id",
    ),
    newest: store.prepare("SELECT * FROM events WHERE is_life = 0 ORDER BY id DESC LIMIT ?"),
    after: store.prepare("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?"),
    afterOf: store.prepare("SELECT * FROM events WHERE id > ? AND repository_id = ? ORDER BY id LIMIT ?"),
    latestOf: store.prepare(
      "SELECT * FROM events WHERE repository_id = ? AND id <= ? ORDER BY id DESC LIMIT 1",
    ),
    get: store.prepare("SELECT * FROM events WHERE id = ?"),
    // AUTOINCREMENT remembers the last id even after its row was deleted: https://sqlite.org/autoinc.html
    bounds: store.prepare(
      "SELECT (SELECT min(id) FROM events) AS oldest, (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS newest",
    ),
    pruneEvents: store.prepare("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? LIMIT ?)"),
    pruneIntents: store.prepare(
      "DELETE FROM intents WHERE seq IN (SELECT seq FROM intents WHERE at < ? LIMIT ?)",
    ),
  };
}
