import type { Sees } from "../base/access.js";
import { monotonicMs } from "../base/clock.js";
import { beginSlice } from "../base/slices.js";
import type { Store } from "../store/database.js";

/** The repositories that somebody may see. */
export interface Seen {
  sees: Sees;
  /** Their ids, as JSON. */
  ids: string;
}

const KEPT_MS = 2_000;
const ROWS = 500;

/**
 * Makes the function that collects which repositories somebody may see. Names are matched in slices, since ten thousand
 * of them take longer than anything may block the event loop, and the result is kept for a moment, so that the pages of
 * a list cost this once.
 */
export function createSeen(store: Store, clock: () => number = monotonicMs): (sees: Sees) => Promise<Seen> {
  const names = store.prepare(
    "SELECT id, owner || '/' || name AS full_name FROM repositories WHERE id > ? ORDER BY id LIMIT ?",
  );
  const kept = new WeakMap<Sees, { seen: Promise<Seen>; until: number }>();

  async function collect(sees: Sees): Promise<Seen> {
    const ids: number[] = [];
    const slice = beginSlice();
    for (let last = 0; ; ) {
      const rows = names.all(last, ROWS);
      for (const { id, full_name } of rows) {
        last = Number(id);
        if (sees(String(full_name))) ids.push(last);
        if (slice.isOver()) await slice.next();
      }
      if (rows.length < ROWS) return { sees, ids: JSON.stringify(ids) };
    }
  }

  return (sees) => {
    const known = kept.get(sees);
    if (known && known.until > clock()) return known.seen;
    const seen = collect(sees);
    kept.set(sees, { seen, until: clock() + KEPT_MS });
    seen.catch(() => kept.delete(sees));
    return seen;
  };
}
