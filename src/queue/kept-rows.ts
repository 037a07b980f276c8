import { dropOldest } from "../base/drop-oldest.js";
import { keyOf } from "../base/model.js";
import type { Store } from "../store/database.js";
import type { QueueRow, Rows } from "./rows.js";

/** So many rows are kept, those that were used last. */
const MAX_ROWS = 1_000;
/** Rows with longer hints are read each time. In characters. */
const MAX_HINTS = 4_096;

/**
 * Keeps rows in memory beside the database, since a push reads its row twice, and each time takes ten microseconds; of a
 * row that is kept, only what differs is written. Only the queue writes rows, so what is kept is what the database has;
 * a transaction that is undone takes all of it away.
 */
export function keepRows(rows: Rows, store: Pick<Store, "onUndone">): Rows {
  const kept = new Map<string, QueueRow>();
  store.onUndone(() => kept.clear());

  function keep(key: string, row: QueueRow): void {
    kept.delete(key);
    if (row.hints.length > MAX_HINTS) return;
    kept.set(key, row);
    dropOldest(kept, MAX_ROWS);
  }

  return {
    ...rows,
    has: (key) => kept.has(key) || rows.has(key),
    get(key) {
      const row = kept.get(key) ?? rows.get(key);
      if (row) keep(key, row);
      return row;
    },
    startOf: (key) => kept.get(key) ?? rows.startOf(key),
    put(row) {
      const key = keyOf(row.subject);
      const before = kept.get(key);
      if (before) rows.change(before, row);
      else rows.put(row);
      keep(key, row);
    },
    remove(key) {
      rows.remove(key);
      kept.delete(key);
    },
  };
}
