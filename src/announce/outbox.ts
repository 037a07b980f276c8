import { type Announcement, type CheckoutChange, type RefChange, type Trigger, ZERO } from "../base/model.js";
import { iso } from "../base/units.js";
import type { Row, Store, Tables } from "../store/database.js";

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
  ],
};

/** A longer list of changes is cut; whoever needs more compares the mirror's refs. */
export const MAX_CHANGES = 1_000;

export interface Repository {
  id: number;
  owner: string;
  name: string;
}

interface Intent {
  type: Announcement["type"];
  trigger: Trigger;
  changed: number;
  changes: RefChange[];
}

/**
 * What the mirrors' refs are about to become, and what became of it. An intent is on disk before the
 * refs move, so a process killed right after that still finds out what to announce.
 */
export interface Outbox {
  /** To be called before refs move. */
  intend(id: number, trigger: Trigger, changes: RefChange[]): void;
  /** To be called before a mirror is made, or made anew. */
  intendClone(id: number, trigger: Trigger): void;
  /** The new mirror is in its place. @param first there was none before it */
  cloned(id: number, changes: RefChange[], first: boolean): void;
  /** Whether an earlier pass has left something of which nobody knows yet whether it was done. */
  inDoubt(id: number): boolean;
  /** Keeps of such what was done. @param tips the mirror's refs; null: unreadable, so all of it counts as done */
  resolve(id: number, tips: Map<string, string> | null): void;
  /** A tree was published; to be called in the transaction that says so. */
  published(id: number, change: CheckoutChange): void;
  /** Makes events of what a repository's refreshes have done. @returns their ids, oldest first */
  publish(repository: Repository, trigger: Trigger): number[];
  /** Events later than `id`, oldest first. @param repositoryId null: of all */
  after(id: number, limit: number, repositoryId: number | null): Announcement[];
  get(id: number): Announcement | null;
  /** The oldest event kept (0: none), and the last one there ever was. */
  bounds(): { oldest: number; newest: number };
  /** @returns intents that grew old without a refresh that could tell what became of them */
  prune(before: number): number;
}

interface Options {
  store: Store;
  mirrorOf(id: number): string;
  now(): number;
}

export function createOutbox({ store, mirrorOf, now }: Options): Outbox {
  const sql = statements(store);
  const add = (id: number, trigger: Trigger, type: Intent["type"], changes: RefChange[]) =>
    void sql.intend.run(id, now(), trigger, type, changes.length, cut(changes));
  const rowsOf = (id: number) => sql.intents.all(id);

  function resolve(id: number, tips: Map<string, string> | null): void {
    store.transaction(() => {
      for (const row of rowsOf(id).filter(({ state }) => state === "intended")) {
        const { type, changes, changed } = read(row);
        const done = changes.filter(({ ref, after }) => !tips || (tips.get(ref) ?? ZERO) === after);
        const certain = type === "changed" && changed <= changes.length;
        if (!certain)
          sql.made.run(type, type === "cloned" && tips ? tips.size : changed, cut(changes), row.seq);
        else if (done.length > 0) sql.made.run(type, done.length, cut(done), row.seq);
        else sql.forget.run(row.seq);
      }
    });
  }

  /** One event for what one pass did, and one for each thing an earlier one had left. */
  function publish(repository: Repository, trigger: Trigger): number[] {
    const rows = rowsOf(repository.id);
    const checkouts = sql.trees.all(repository.id).map(readTree).filter(isChange);
    if (rows.length === 0 && checkouts.length === 0) return [];
    return store.transaction(() => {
      const left = rows.filter(({ state }) => state === "made").map(read);
      const fresh = rows.filter(({ state }) => state === "intended").map(read);
      const intents = [...left, ...(fresh.length > 0 ? [merge(fresh)] : [])];
      if (intents.length === 0) intents.push({ type: "published", trigger, changed: 0, changes: [] });
      sql.forgetAll.run(repository.id);
      sql.forgetTrees.run(repository.id);
      return intents.map((intent, index) => {
        const at = now();
        const last = index === intents.length - 1;
        const { changes, changed, type, trigger } = intent;
        const body = {
          ...{ type, at: iso(at), repository: nameOf(repository), trigger, changed },
          ...{ truncated: changed > changes.length, changes, checkouts: last ? checkouts : [] },
        };
        return Number(sql.publish.get(repository.id, at, JSON.stringify(body))?.id);
      });
    });
  }

  const event = (row: Row): Announcement => ({
    id: Number(row.id),
    ...(JSON.parse(String(row.body)) as Omit<Announcement, "id" | "mirror">),
    mirror: mirrorOf(Number(row.repository_id)),
  });

  return {
    intend: (id, trigger, changes) => changes.length > 0 && add(id, trigger, "changed", changes),
    intendClone(id, trigger) {
      store.transaction(() => {
        sql.forgetClone.run(id);
        add(id, trigger, "cloned", []);
      });
    },
    cloned(id, changes, first) {
      const everything = first || (changes.length > 0 && changes.every(({ before }) => before === ZERO));
      if (everything) sql.cloned.run("cloned", changes.length, "[]", id);
      else if (changes.length > 0) sql.cloned.run("changed", changes.length, cut(changes), id);
      else sql.forgetClone.run(id);
    },
    inDoubt: (id) => rowsOf(id).some(({ state }) => state === "intended"),
    resolve,
    published(id, { path, ref, before, after }) {
      if (before !== after) sql.tree.run(id, path, ref, before, after);
    },
    publish,
    after: (id, limit, repositoryId) =>
      (repositoryId === null ? sql.after.all(id, limit) : sql.afterOf.all(id, repositoryId, limit)).map(
        event,
      ),
    get(id) {
      const row = sql.get.get(id);
      return row ? event(row) : null;
    },
    bounds() {
      const row = sql.bounds.get();
      return { oldest: Number(row?.oldest ?? 0), newest: Number(row?.newest ?? 0) };
    },
    prune: (before) =>
      store.transaction(() => {
        sql.pruneEvents.run(before);
        return sql.pruneIntents.run(before).changes;
      }),
  };
}

const cut = (changes: RefChange[]) => JSON.stringify(changes.slice(0, MAX_CHANGES));

const nameOf = ({ id, owner, name }: Repository) => ({ id, owner, name });

const read = (row: Row): Intent => ({
  type: row.type as Intent["type"],
  trigger: row.trigger as Trigger,
  changed: Number(row.changed),
  changes: JSON.parse(String(row.changes)) as RefChange[],
});

const isChange = ({ before, after }: CheckoutChange): boolean => before !== after;

const readTree = ({ ref, before, after, path }: Row): CheckoutChange => ({
  ...{ ref: String(ref), before: String(before), after: String(after), path: String(path) },
});

function merge(intents: Intent[]): Intent {
  const changes = intents.flatMap((intent) => intent.changes);
  const changed = intents.reduce((sum, intent) => sum + intent.changed, 0);
  return { ...intents[0]!, changed, changes: changes.slice(0, MAX_CHANGES) };
}

function statements(store: Store) {
  return {
    intend: store.prepare(
      "INSERT INTO intents (repository_id, at, trigger, type, changed, changes) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    intents: store.prepare("SELECT * FROM intents WHERE repository_id = ? ORDER BY seq"),
    made: store.prepare(
      "UPDATE intents SET state = 'made', type = ?, changed = ?, changes = ? WHERE seq = ?",
    ),
    // A new mirror that is in its place is no refresh's to doubt.
    cloned: store.prepare(
      "UPDATE intents SET state = 'made', type = ?, changed = ?, changes = ? WHERE repository_id = ? AND type = 'cloned'",
    ),
    forget: store.prepare("DELETE FROM intents WHERE seq = ?"),
    forgetAll: store.prepare("DELETE FROM intents WHERE repository_id = ?"),
    forgetClone: store.prepare("DELETE FROM intents WHERE repository_id = ? AND type = 'cloned'"),
    // What it was when the world was last told.
    tree: store.prepare(
      `INSERT INTO published (repository_id, path, ref, before, after) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET ref = excluded.ref, after = excluded.after`,
    ),
    trees: store.prepare(
      "SELECT ref, before, after, path FROM published WHERE repository_id = ? ORDER BY path",
    ),
    forgetTrees: store.prepare("DELETE FROM published WHERE repository_id = ?"),
    publish: store.prepare("INSERT INTO events (repository_id, at, body) VALUES (?, ?, ?) RETURNING id"),
    after: store.prepare("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?"),
    afterOf: store.prepare("SELECT * FROM events WHERE id > ? AND repository_id = ? ORDER BY id LIMIT ?"),
    get: store.prepare("SELECT * FROM events WHERE id = ?"),
    // AUTOINCREMENT remembers the last id, also of rows that are gone: https://sqlite.org/autoinc.html
    bounds: store.prepare(
      "SELECT (SELECT min(id) FROM events) AS oldest, (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS newest",
    ),
    pruneEvents: store.prepare("DELETE FROM events WHERE at < ?"),
    pruneIntents: store.prepare("DELETE FROM intents WHERE at < ?"),
  };
}
