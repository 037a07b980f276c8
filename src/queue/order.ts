import type { Row, Store } from "../store/database.js";
import { WORK_CLASSES, type WorkClass } from "./classes.js";
import { type QueueRow, readRow } from "./rows.js";

/** Each of these reads from an index, so that its time does not grow with the number of rows. */
export const ORDER_QUERIES = {
  best: "SELECT * FROM dirty WHERE state = 'ready' AND class = ? ORDER BY priority, tag LIMIT ?",
  longestDue: "SELECT * FROM dirty WHERE state = 'ready' AND class = ? ORDER BY due_at LIMIT 1",
  due: "SELECT * FROM dirty WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?",
  nextDue: "SELECT min(due_at) AS at FROM dirty WHERE state = 'waiting'",
  met: `SELECT * FROM dirty WHERE state = 'waiting' AND met = ? AND class = ?
        ORDER BY priority, due_at LIMIT ?`,
  released: "SELECT * FROM dirty WHERE state = 'waiting' AND met = ? LIMIT ?",
  waiting: "SELECT * FROM dirty WHERE state = 'waiting' ORDER BY due_at LIMIT ?",
  running: "SELECT * FROM dirty WHERE state = 'running' ORDER BY running_since LIMIT ?",
  oldest: "SELECT min(armed_at) AS at FROM dirty WHERE armed_at IS NOT NULL",
};

/** Every so many starts of a class, the row that is due for longest starts, whatever its priority. */
const LONGEST_DUE_EVERY = 8;

interface ProberChoice {
  /** The key of the row that probed last. */
  last: string | null;
  /** Whether only rows that met the server may probe it. */
  onlyMet: boolean;
}

export interface Order {
  /** Returns the row of a class that starts next; null: none is ready. */
  next(workClass: WorkClass): QueueRow | null;
  /** Notes a start. @returns whether the row started in its turn, not because it was due for longest */
  started(workClass: WorkClass): boolean;
  /** Returns the row that probes a server; other rows come before the one that probed last. */
  prober(workClass: WorkClass, server: string, choice: ProberChoice): QueueRow | null;
  due(at: number, limit: number): QueueRow[];
  /** Returns rows that wait for a server. */
  released(server: string, limit: number): QueueRow[];
  nextDueAt(): number | null;
  /** Returns when the oldest trigger came in that no run has taken; null: there is none. */
  oldestAt(): number | null;
  /** Returns rows in the order in which they run. */
  list(limit: number): QueueRow[];
}

export function createOrder(store: Store): Order {
  const prepare = (name: keyof typeof ORDER_QUERIES) => store.prepare(ORDER_QUERIES[name]);
  // libsql 0.5: a statement that `all` has run finds nothing with `get`, so each is run in one way only.
  const best = prepare("best");
  const longestDue = prepare("longestDue");
  const due = prepare("due");
  const nextDue = prepare("nextDue");
  const met = prepare("met");
  const released = prepare("released");
  const waiting = prepare("waiting");
  const running = prepare("running");
  const oldest = prepare("oldest");
  const starts = new Map<WorkClass, number>();

  const isLongestDuesTurn = (workClass: WorkClass) =>
    (starts.get(workClass) ?? 0) % LONGEST_DUE_EVERY === LONGEST_DUE_EVERY - 1;
  const rowOf = (row: Row | undefined) => (row ? readRow(row) : null);

  return {
    next: (workClass) =>
      rowOf(isLongestDuesTurn(workClass) ? longestDue.get(workClass) : best.all(workClass, 1)[0]),
    started(workClass) {
      const inTurn = !isLongestDuesTurn(workClass);
      starts.set(workClass, (starts.get(workClass) ?? 0) + 1);
      return inTurn;
    },
    prober(workClass, server, { last, onlyMet }) {
      const ready = onlyMet ? [] : best.all(workClass, 2);
      const found = [...ready, ...met.all(server, workClass, 2)];
      const others = found.filter(({ key }) => key !== last);
      const candidates = others.length > 0 ? others : found;
      // Rows of one priority keep their order: those that have not tried yet come first.
      return rowOf(candidates.sort((a, b) => Number(a.priority) - Number(b.priority))[0]);
    },
    due: (at, limit) => due.all(at, limit).map(readRow),
    released: (server, limit) => released.all(server, limit).map(readRow),
    nextDueAt: () => timeOf(nextDue.get()),
    oldestAt: () => timeOf(oldest.get()),
    list(limit) {
      const ready = WORK_CLASSES.flatMap((workClass) => best.all(workClass, limit)).map(readRow);
      ready.sort((a, b) => a.priority - b.priority || a.tag - b.tag);
      const rows = [...running.all(limit).map(readRow), ...ready, ...waiting.all(limit).map(readRow)];
      return rows.slice(0, limit);
    },
  };
}

const timeOf = (row: Row | undefined): number | null => (typeof row?.at === "number" ? row.at : null);
