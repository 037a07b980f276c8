import { dropOldest } from "../base/drop-oldest.js";
import type { Row, Statement, Store } from "../store/database.js";
import type { Via } from "./log.js";

/** The time of arrival, and the row number, which grows. */
export type DeliveryPlace = [number, number];

/** `open` means that the delivery's request has not been refreshed yet. */
export const OUTCOMES = ["open", "refreshed", "ignored"] as const;
export type DeliveryOutcome = (typeof OUTCOMES)[number];

/** A delivery of the last 8 days. Times are in milliseconds since 1970. */
export interface LoggedDelivery {
  id: string;
  event: string;
  action: string | null;
  receivedAt: number;
  via: Via;
  outcome: DeliveryOutcome;
  /** The reason why the delivery was ignored. */
  reason: string | null;
  /** When a refresh or a reconcile covered the delivery. */
  refreshedAt: number | null;
  /** The subject in the queue, in the form of keyOf; null when the delivery requested nothing. */
  subject: string | null;
  repositoryId: number | null;
  /** The owner/name in the delivery's payload. */
  repository: string | null;
  installationId: number | null;
  /** Which webhook sent it, as `hookOf` writes it; null: it is not known. */
  hook: string | null;
}

export interface DeliveryQuery {
  /** A repository's id, or its name when only ignored deliveries mention it; null means all. */
  repository: number | string | null;
  outcome: DeliveryOutcome | null;
  limit: number;
  /** Only deliveries older than this one are listed. */
  after: DeliveryPlace | null;
}

export interface DeliveryList {
  /** Lists deliveries, newest first. */
  page(query: DeliveryQuery): {
    deliveries: LoggedDelivery[];
    /** The place of each of them. */
    places: DeliveryPlace[];
    next: DeliveryPlace | null;
  };
  get(id: string): LoggedDelivery | null;
}

/** Each filter has an index that yields the newest rows first. */
const IS = {
  open: "refreshed_at IS NULL AND outcome = 'accepted'",
  refreshed: "refreshed_at IS NOT NULL",
  ignored: "outcome = 'ignored'",
};

const COLUMNS = [
  "rowid",
  "id",
  "event",
  "action",
  "received_at",
  "via",
  "outcome",
  "reason",
  "refreshed_at",
  "subject",
  "repository_id",
  "repository",
  "installation_id",
  "hook",
] as const;
const AS_JSON = `json_array(${COLUMNS.join()})`;
/** So many deliveries are kept in memory, less than a kilobyte each. */
const MAX_KEPT = 500;

interface Kept {
  delivery: LoggedDelivery;
  place: DeliveryPlace;
}

const newestFirst = ({ place: [at, row] }: Kept, { place: [otherAt, otherRow] }: Kept): number =>
  otherAt - at || otherRow - row;

/**
 * Reads the log of deliveries by pages. A delivery is the same object for as long as its row is the same and open pages
 * ask for it.
 */
export function createDeliveryList(store: Store): DeliveryList {
  const statements = new Map<string, Statement>();
  const get = store.prepare(`SELECT ${AS_JSON} AS text FROM deliveries WHERE id = ?`);
  /** By the text of the row. */
  const kept = new Map<string, Kept>();

  function statement({ repository, outcome }: DeliveryQuery): Statement {
    const filters = [
      outcome && IS[outcome],
      typeof repository === "number" && "repository_id = ?4",
      typeof repository === "string" && "outcome = 'ignored' AND repository = ?4",
      "(received_at, rowid) < (?1, ?2)",
    ];
    const where = filters.filter(Boolean).join(" AND ");
    // One text is read in a third of the time of fifty rows.
    const sql = `SELECT group_concat(${AS_JSON}, char(10)) AS text FROM (SELECT *, rowid FROM deliveries
      WHERE ${where} ORDER BY received_at DESC, rowid DESC LIMIT ?3)`;
    const known = statements.get(sql) ?? store.prepare(sql);
    statements.set(sql, known);
    return known;
  }

  function keep(text: string): Kept {
    const found = kept.get(text) ?? read(text);
    kept.delete(text);
    kept.set(text, found);
    dropOldest(kept, MAX_KEPT);
    return found;
  }

  return {
    page(query) {
      const { repository, limit, after } = query;
      const [at, row] = after ?? [Number.MAX_SAFE_INTEGER, 0];
      const filter = repository === null ? [] : [repository];
      const { text = null } = statement(query).get(at, row, limit + 1, ...filter) ?? {};
      const rows = text === null ? [] : String(text).split("\n").map(keep);
      // SQLite promises no order for what is concatenated.
      rows.sort(newestFirst);
      const shown = rows.slice(0, limit);
      return {
        deliveries: shown.map(({ delivery }) => delivery),
        places: shown.map(({ place }) => place),
        next: rows.length > limit ? shown.at(-1)!.place : null,
      };
    },
    get(id) {
      const row = get.get(id);
      return row ? read(String(row.text)).delivery : null;
    },
  };
}

function read(text: string): Kept {
  const values = JSON.parse(text) as (string | number | null)[];
  const row = Object.fromEntries(COLUMNS.map((name, n) => [name, values[n] ?? null])) as Row;
  const number = (value: unknown) => (value === null ? null : Number(value));
  const refreshedAt = number(row.refreshed_at);
  const delivery: LoggedDelivery = {
    id: String(row.id),
    event: String(row.event),
    action: row.action as string | null,
    receivedAt: Number(row.received_at),
    via: row.via as Via,
    outcome: row.outcome === "ignored" ? "ignored" : refreshedAt === null ? "open" : "refreshed",
    reason: row.reason as string | null,
    refreshedAt,
    subject: row.subject as string | null,
    repositoryId: number(row.repository_id),
    repository: row.repository as string | null,
    installationId: number(row.installation_id),
    hook: row.hook as string | null,
  };
  return { delivery, place: [delivery.receivedAt, Number(row.rowid)] };
}
