import { createSignal, type Subscribe } from "../base/signal.js";
import type { Row, Store, Tables } from "../store/database.js";

export const AUDIT_TABLES: Tables = {
  module: "audit",
  steps: [
    `CREATE TABLE audit (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       at INTEGER NOT NULL,
       token TEXT NOT NULL,
       via TEXT NOT NULL,
       action TEXT NOT NULL,
       subject TEXT NOT NULL,
       detail TEXT,
       status INTEGER
     );
     CREATE INDEX audit_token ON audit (token, id)`,
    // Which entry of which node it is; null: one of this node.
    `ALTER TABLE audit ADD COLUMN origin TEXT;
     CREATE UNIQUE INDEX audit_origin ON audit (origin) WHERE origin IS NOT NULL;
     CREATE INDEX audit_at ON audit (at, id)`,
  ],
};

/** The number of entries that are kept. */
const KEPT = 10_000;
/** In characters; names are shorter, and what a stranger sends may not be. */
const MAX_TEXT = 500;

export interface Act {
  /** The name of the token, or `API_TOKEN`. */
  token: string;
  via: "api" | "page";
  /** What the command line calls it, such as `refresh` or `tokens add`. */
  action: string;
  /** `owner/name`, an installation or a token. */
  subject: string;
}

export interface AuditEntry extends Act {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  /** What else was asked for, such as the ref; null: nothing, or the action has not ended. */
  detail: string | null;
  /** The HTTP status of the answer; null: the action has not ended, or Lockstep ended meanwhile. */
  status: number | null;
}

export interface Audit {
  /** Writes an action down before it is carried out; the entry is on disk on return. @returns its id */
  begin(act: Act): number;
  /** Adds how the action ended, on disk in one of the next turns. Never throws: the action is done. */
  end(id: number, result: Pick<AuditEntry, "detail" | "status">): void;
  /** Lists entries, newest first. @param query.after the entry behind which the page begins; null: the newest */
  page(query: { limit: number; after: AuditPlace | null }): {
    entries: AuditEntry[];
    next: AuditPlace | null;
  };
  /** Returns all entries of this node. */
  own(): AuditEntry[];
  /** Stores an entry of another node. @param origin names the node and its entry */
  put(origin: string, entry: Omit<AuditEntry, "id">): void;
  /** Reports, within the transaction, that an action of this node was written down, or its end. */
  onWritten: Subscribe<[entry: AuditEntry]>;
}

/** The time of an entry, and its id. */
export type AuditPlace = [number, number];

export function createAudit(store: Store, now: () => number = Date.now, kept = KEPT): Audit {
  const add = store.prepare("INSERT INTO audit (at, token, via, action, subject) VALUES (?, ?, ?, ?, ?)");
  const newest = store.prepare("SELECT max(id) AS id, count(*) AS n FROM audit");
  // Whoever acts most loses the oldest entry, so that nobody can push out what others did.
  const cut = store.prepare(
    `DELETE FROM audit WHERE id = (SELECT min(id) FROM audit WHERE token =
       (SELECT token FROM audit GROUP BY token ORDER BY count(*) DESC, token LIMIT 1))`,
  );
  const end = store.prepare("UPDATE audit SET detail = ?, status = ? WHERE id = ?");
  const list = store.prepare("SELECT * FROM audit WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?");
  const get = store.prepare("SELECT * FROM audit WHERE id = ?");
  const own = store.prepare("SELECT * FROM audit WHERE origin IS NULL ORDER BY id");
  const put = store.prepare(
    `INSERT INTO audit (at, token, via, action, subject, detail, status, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (origin) WHERE origin IS NOT NULL DO UPDATE SET detail = excluded.detail, status = excluded.status`,
  );
  const written = createSignal<[entry: AuditEntry]>();
  const report = (id: unknown) => {
    const row = get.get(id);
    if (row) written.emit(read(row));
  };
  const trim = () => {
    if (Number(newest.get()!.n) > kept) cut.run();
  };
  const ends: unknown[][] = [];
  /** Each transaction costs a sync of the disk, so what has ended together is written together. */
  function writeEnds(): void {
    const some = ends.splice(0);
    if (some.length === 0) return;
    try {
      store.transaction(() => {
        for (const values of some) {
          end.run(...values);
          report(values.at(-1));
        }
      });
    } catch {
      // The entries themselves are there, without their results.
    }
  }

  return {
    begin: ({ token, via, action, subject }) =>
      store.transaction(() => {
        add.run(now(), token, via, action, subject.slice(0, MAX_TEXT));
        const id = Number(newest.get()!.id);
        trim();
        report(id);
        return id;
      }),
    end(id, { detail, status }) {
      ends.push([detail === null ? null : detail.slice(0, MAX_TEXT), status, id]);
      if (ends.length === 1) setImmediate(writeEnds);
    },
    page({ limit, after }) {
      writeEnds();
      const rows = list.all(...(after ?? [Number.MAX_SAFE_INTEGER, 0]), limit + 1);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        entries: rows.slice(0, limit).map(read),
        next: last ? [Number(last.at), Number(last.id)] : null,
      };
    },
    own: () => own.all().map(read),
    put: (origin, { at, token, via, action, subject, detail, status }) =>
      store.transaction(() => {
        put.run(at, token, via, action, subject, detail, status, origin);
        trim();
      }),
    onWritten: written.on,
  };
}

const read = (row: Row): AuditEntry => ({
  id: Number(row.id),
  at: Number(row.at),
  token: String(row.token),
  via: row.via as Act["via"],
  action: String(row.action),
  subject: String(row.subject),
  detail: row.detail as string | null,
  status: row.status === null ? null : Number(row.status),
});
