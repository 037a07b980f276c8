import { keyOf, type Subject } from "../base/model.js";
import type { Store, Tables } from "../store/database.js";
import type { DeliveryAbout } from "./payload.js";

/** GitHub keeps deliveries for 3 days, GHES for 7. */
const KEEP_MS = 8 * 24 * 3_600_000;

export const DELIVERY_TABLES: Tables = {
  module: "deliveries",
  steps: [
    `CREATE TABLE deliveries (
       id TEXT PRIMARY KEY,
       received_at INTEGER NOT NULL,
       event TEXT NOT NULL,
       action TEXT,
       subject TEXT,
       outcome TEXT NOT NULL,
       reason TEXT,
       generation INTEGER,
       refreshed_at INTEGER
     );
     CREATE INDEX deliveries_open ON deliveries (subject, generation) WHERE refreshed_at IS NULL;
     CREATE INDEX deliveries_received ON deliveries (received_at);`,
    "ALTER TABLE deliveries ADD COLUMN via TEXT NOT NULL DEFAULT 'webhook'",
    `ALTER TABLE deliveries ADD COLUMN repository_id INTEGER;
     ALTER TABLE deliveries ADD COLUMN repository TEXT COLLATE NOCASE;
     ALTER TABLE deliveries ADD COLUMN installation_id INTEGER;
     UPDATE deliveries SET repository_id = substr(subject, 12) WHERE subject LIKE 'repository:%';
     UPDATE deliveries SET installation_id = substr(subject, 14) WHERE subject LIKE 'installation:%';
     CREATE INDEX deliveries_repository ON deliveries (repository_id, received_at);
     CREATE INDEX deliveries_waiting ON deliveries (received_at) WHERE refreshed_at IS NULL AND outcome = 'accepted';
     CREATE INDEX deliveries_ignored ON deliveries (received_at) WHERE outcome = 'ignored';
     CREATE INDEX deliveries_left_out ON deliveries (repository, received_at) WHERE outcome = 'ignored';`,
    "ALTER TABLE deliveries ADD COLUMN ref TEXT",
    "ALTER TABLE deliveries ADD COLUMN hook TEXT",
  ],
};

/** The way a delivery arrived: GitHub called, recovery read GitHub's log, or that log is the only source. */
export type Via = "webhook" | "recovered" | "pull";

/** A delivery as it is recorded. */
export interface DeliveryRecord extends DeliveryAbout {
  id: string;
  event: string;
  action: string | null;
  /** The time of arrival, in milliseconds since 1970. */
  receivedAt: number;
  via: Via;
  /** Which webhook sent it, as `hookOf` writes it; undefined: it did not come from a webhook, or is not known. */
  hook?: string | undefined;
}

/** A delivery that came before under the same id. */
export interface EarlierDelivery {
  /** When it first arrived, in milliseconds since 1970. */
  receivedAt: number;
  /** Whether its request was already refreshed. */
  isDone: boolean;
}

/** One table serves deduplication, recovery and the question what became of a delivery. */
export interface DeliveryLog {
  /** Returns what became of a delivery that has already come; null: it has not. */
  earlier(id: string): EarlierDelivery | null;
  isKnown(id: string): boolean;
  /** Returns the subject of a delivery that is accepted and not refreshed yet; null: there is nothing to do. */
  openSubject(id: string): string | null;
  /**
   * When GitHub last called, in milliseconds since 1970; null when GitHub did not call in the last 8 days.
   */
  lastCallAt(): number | null;
  /** When GitHub last called, and when a delivery was last read from GitHub's log. */
  lastAt(): number | null;
  /** @param ref the one ref that the delivery reports; null: none, or not just one */
  accepted(delivery: DeliveryRecord, subject: Subject, generation: number, ref: string | null): void;
  ignored(delivery: DeliveryRecord, reason: string): void;
  /**
   * Records that a refresh covered the subject's deliveries up to this generation. @param openRefs refs whose
   * deliveries are still open
   */
  settle(subject: Subject, generation: number, openRefs: readonly string[]): void;
  /** Deletes deliveries older than 8 days, at most `limit`. @returns how many were deleted */
  pruneSome(now: number, limit: number): number;
}

const columnsOf = ({
  repositoryId,
  repository,
  installationId,
  hook,
}: DeliveryAbout & Pick<DeliveryRecord, "hook">) => [
  repositoryId ?? null,
  repository ?? null,
  installationId ?? null,
  hook ?? null,
];

const asTime = (column: unknown) => (typeof column === "number" ? column : null);

export function createDeliveryLog(store: Store, now: () => number = Date.now): DeliveryLog {
  const earlier = store.prepare("SELECT received_at, refreshed_at FROM deliveries WHERE id = ?");
  // A delivery that comes again keeps the time of its first receipt, how it came, and its ref.
  const put = store.prepare(
    `INSERT INTO deliveries (id, received_at, event, action, subject, outcome, reason, generation, via,
     repository_id, repository, installation_id, hook, ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET event = excluded.event, action = excluded.action, subject = excluded.subject,
     outcome = excluded.outcome, reason = excluded.reason, generation = excluded.generation,
     repository_id = excluded.repository_id, repository = excluded.repository,
     installation_id = excluded.installation_id, hook = coalesce(excluded.hook, hook),
     ref = coalesce(excluded.ref, ref), refreshed_at = NULL`,
  );
  const settle = store.prepare(
    `UPDATE deliveries SET refreshed_at = ? WHERE subject = ? AND generation <= ? AND refreshed_at IS NULL
     AND (ref IS NULL OR ref NOT IN (SELECT value FROM json_each(?)))`,
  );
  const open = store.prepare(
    "SELECT subject FROM deliveries WHERE id = ? AND outcome = 'accepted' AND refreshed_at IS NULL",
  );
  const known = store.prepare("SELECT 1 AS yes FROM deliveries WHERE id = ?");
  const lastCall = store.prepare(
    "SELECT received_at FROM deliveries WHERE via = 'webhook' AND received_at <= ? ORDER BY received_at DESC LIMIT 1",
  );
  const last = store.prepare("SELECT max(received_at) AS received_at FROM deliveries WHERE received_at <= ?");
  const prune = store.prepare(
    "DELETE FROM deliveries WHERE rowid IN (SELECT rowid FROM deliveries WHERE received_at < ? LIMIT ?)",
  );
  return {
    earlier(id) {
      const row = earlier.get(id);
      return row ? { receivedAt: Number(row.received_at), isDone: row.refreshed_at !== null } : null;
    },
    isKnown: (id) => known.get(id) !== undefined,
    openSubject: (id) => (open.get(id)?.subject as string | undefined) ?? null,
    lastCallAt: () => asTime(lastCall.get(now())?.received_at),
    lastAt: () => asTime(last.get(now())?.received_at),
    accepted({ id, receivedAt, event, action, via, ...rest }, subject, generation, ref) {
      const key = keyOf(subject);
      put.run(id, receivedAt, event, action, key, "accepted", null, generation, via, ...columnsOf(rest), ref);
    },
    ignored({ id, receivedAt, event, action, via, ...rest }, reason) {
      put.run(id, receivedAt, event, action, null, "ignored", reason, null, via, ...columnsOf(rest), null);
    },
    settle: (subject, generation, openRefs) =>
      void settle.run(now(), keyOf(subject), generation, JSON.stringify(openRefs)),
    pruneSome: (time, limit) => prune.run(time - KEEP_MS, limit).changes,
  };
}
