import { keyOf, type Subject, TRIGGERS, type Trigger } from "../base/model.js";
import type { Row, Statement, Store } from "../store/database.js";
import type { WorkClass } from "./classes.js";
import type { QueueEntry, Snapshot } from "./contract.js";
import type { QueuedHint, QueuedPushes, QueuedUnlisted } from "./merge.js";

/** A row of `dirty`; tables.ts says what the columns mean. */
export interface QueueRow {
  subject: Subject;
  installationId: number;
  generation: number;
  /** The hints as JSON, which most operations need not read. */
  hints: string;
  fullGeneration: number;
  deliveryId: string | null;
  class: WorkClass;
  priority: number;
  tag: number;
  state: "ready" | "waiting" | "running";
  armedAt: number | null;
  dueAt: number | null;
  quietUntil: number | null;
  runningSince: number | null;
  begun: number;
  attempts: Readonly<Record<string, number>>;
  retryAt: number | null;
  retryFor: string | null;
  isSlow: boolean;
  heldBy: string | null;
  met: string | null;
  /** The newest of the pushes whose refs were too many to keep, as JSON; null: there is none. */
  unlisted: string | null;
  /** Whether the row only waits for a replica of GitHub's that lags for long. */
  isBehind: boolean;
}

export interface Rows {
  has(key: string): boolean;
  /** Asks for all of them at once, because each statement costs about ten microseconds. */
  repositoriesIn(ids: readonly number[]): Set<number>;
  get(key: string): QueueRow | null;
  /** Returns what says whether a row may start, at a third of the cost of `get`; null: there is no row. */
  startOf(key: string): Pick<QueueRow, "class" | "state" | "dueAt"> | null;
  put(row: QueueRow): void;
  /** Stores a row whose subject has the row `before`; writes only what differs, at half the cost of `put`. */
  change(before: QueueRow, row: QueueRow): void;
  remove(key: string): void;
}

const COLUMNS = [
  "key",
  "kind",
  "id",
  "installation_id",
  "generation",
  "hints",
  "full_generation",
  "delivery_id",
  "class",
  "priority",
  "tag",
  "state",
  "armed_at",
  "due_at",
  "quiet_until",
  "running_since",
  "begun",
  "attempts",
  "retry_at",
  "retry_for",
  "is_slow",
  "held_by",
  "met",
  "unlisted",
  "is_behind",
];

/** Rows change in some ten ways; each has a statement. */
const MAX_WAYS = 50;

export function createRows(store: Store): Rows {
  const get = store.prepare("SELECT * FROM dirty WHERE key = ?");
  const start = store.prepare("SELECT class, state, due_at FROM dirty WHERE key = ?");
  const has = store.prepare("SELECT 1 AS yes FROM dirty WHERE key = ?");
  const some = store.prepare(
    `SELECT DISTINCT id FROM dirty WHERE key IN
     (SELECT kind || ':' || value FROM json_each(?), (SELECT 'repository' AS kind UNION ALL SELECT 'publish'))`,
  );
  const remove = store.prepare("DELETE FROM dirty WHERE key = ?");
  const changes = COLUMNS.slice(1).map((name) => `${name} = excluded.${name}`);
  const put = store.prepare(
    `INSERT INTO dirty (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})
     ON CONFLICT (key) DO UPDATE SET ${changes.join(", ")}`,
  );
  const ways = new Map<string, Statement>();
  function updateOf(names: readonly string[]): Statement {
    const way = names.join(" = ?, ");
    const known = ways.get(way);
    if (known) return known;
    const update = store.prepare(`UPDATE dirty SET ${way} = ? WHERE key = ?`);
    if (ways.size < MAX_WAYS) ways.set(way, update);
    return update;
  }
  return {
    has: (key) => has.get(key) !== undefined,
    repositoriesIn: (ids) => new Set(some.all(JSON.stringify(ids)).map(({ id }) => Number(id))),
    get(key) {
      const row = get.get(key);
      return row ? readRow(row) : null;
    },
    startOf(key) {
      const row = start.get(key);
      return row
        ? ({ class: row.class, state: row.state, dueAt: row.due_at } as ReturnType<Rows["startOf"]>)
        : null;
    },
    put: (row) => void put.run(...valuesOf(row)),
    change(before, row) {
      const old = valuesOf(before);
      const values = valuesOf(row);
      const differs = (n: number) => values[n] !== old[n];
      const names = COLUMNS.filter((_, n) => differs(n));
      if (names.length === 0) return;
      const { changes } = updateOf(names).run(...values.filter((_, n) => differs(n)), keyOf(row.subject));
      // A request must not be lost, whatever was believed of its row.
      if (changes === 0) put.run(...values);
    },
    remove: (key) => void remove.run(key),
  };
}

export function readRow(row: Row): QueueRow {
  return {
    subject: { kind: row.kind, id: Number(row.id) } as Subject,
    installationId: Number(row.installation_id),
    generation: Number(row.generation),
    hints: String(row.hints),
    fullGeneration: Number(row.full_generation),
    deliveryId: row.delivery_id as string | null,
    class: row.class as WorkClass,
    priority: Number(row.priority),
    tag: Number(row.tag),
    state: row.state as QueueRow["state"],
    armedAt: row.armed_at as number | null,
    dueAt: row.due_at as number | null,
    quietUntil: row.quiet_until as number | null,
    runningSince: row.running_since as number | null,
    begun: Number(row.begun),
    attempts: JSON.parse(String(row.attempts)) as Record<string, number>,
    retryAt: row.retry_at as number | null,
    retryFor: row.retry_for as string | null,
    isSlow: Number(row.is_slow) === 1,
    heldBy: row.held_by as string | null,
    met: row.met as string | null,
    unlisted: row.unlisted as string | null,
    isBehind: Number(row.is_behind) === 1,
  };
}

/** In the order of COLUMNS. */
const valuesOf = (row: QueueRow): unknown[] => [
  keyOf(row.subject),
  row.subject.kind,
  row.subject.id,
  row.installationId,
  row.generation,
  row.hints,
  row.fullGeneration,
  row.deliveryId,
  row.class,
  row.priority,
  row.tag,
  row.state,
  row.armedAt,
  row.dueAt,
  row.quietUntil,
  row.runningSince,
  row.begun,
  JSON.stringify(row.attempts),
  row.retryAt,
  row.retryFor,
  row.isSlow ? 1 : 0,
  row.heldBy,
  row.met,
  row.unlisted,
  row.isBehind ? 1 : 0,
];

type Pushes = Pick<QueueRow, "hints" | "unlisted" | "armedAt" | "runningSince">;

export function pushesOf(row: Pushes | null): QueuedPushes {
  if (!row) return { hints: [], unlisted: null };
  const hints = JSON.parse(row.hints) as QueuedHint[];
  // Rows of an earlier Lockstep have no time of receipt: that of the row's oldest trigger stands for it.
  const receivedAt = row.armedAt ?? row.runningSince ?? 0;
  const unlisted = row.unlisted === null ? null : (JSON.parse(row.unlisted) as QueuedUnlisted);
  return { hints: hints.map((hint) => ({ ...hint, receivedAt: hint.receivedAt ?? receivedAt })), unlisted };
}

export const triggerOf = ({ priority }: QueueRow): Trigger => TRIGGERS[priority] ?? "backstop";

/** How often the row was tried since it last succeeded. */
export const triesOf = ({ attempts }: QueueRow): number =>
  Object.values(attempts).reduce((sum, count) => sum + count, 0);

/** @param armedAt when the oldest trigger came in that this run takes */
export function snapshotOf(row: QueueRow, armedAt: number): Snapshot {
  const pushes = pushesOf({ ...row, armedAt });
  return {
    subject: row.subject,
    class: row.class,
    generation: row.generation,
    request: {
      repositoryId: row.subject.id,
      trigger: triggerOf(row),
      hints: pushes.hints.map(({ generation: _, ...hint }) => hint),
      unlisted: pushes.unlisted,
      full: row.fullGeneration > 0,
      attempt: triesOf(row) + row.begun,
      armedAt,
      deliveryId: row.deliveryId,
    },
  };
}

/** @param ahead how far the machine's clock is ahead of the steady one, in milliseconds */
export const entryOf = (row: QueueRow, ahead: number): QueueEntry => ({
  subject: row.subject,
  class: row.class,
  trigger: triggerOf(row),
  attempt: triesOf(row) + row.begun,
  armedAt: row.armedAt,
  dueAt: (row.runningSince ?? row.dueAt ?? 0) + ahead,
  waitsFor: row.state === "waiting" ? (row.heldBy ?? row.met) : null,
});
