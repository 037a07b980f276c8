import type { Store } from "../store/database.js";
import type { WorkClass } from "./classes.js";

/** Rows of one class and one priority stand in one line. */
interface Place {
  class: WorkClass;
  priority: number;
  installationId: number;
}

export interface Turns {
  /** Returns the tag of a row that becomes ready. */
  tagFor(place: Place): number;
  /** Notes that the row with this tag was started in its turn. */
  started(place: Place, tag: number): void;
}

/** Reads from an index of ready rows. */
export const TURN_QUERIES = {
  last: `SELECT max(tag) AS tag FROM dirty
         WHERE state = 'ready' AND class = ? AND priority = ? AND installation_id = ?`,
  first: "SELECT min(tag) AS tag FROM dirty WHERE state = 'ready' AND class = ? AND priority = ?",
};

/**
 * Gives rows their tags, by which installations take turns: the later of the line's current tag and of the
 * installation's last, plus one. This is start-time fair queuing, where each run costs the same:
 * https://doi.org/10.1109/90.649569
 */
export function createTurns(store: Store): Turns {
  const last = store.prepare(TURN_QUERIES.last);
  const first = store.prepare(TURN_QUERIES.first);
  /** The tag of the row that was started last, by line. */
  const current = new Map<string, number>();
  const lineOf = (place: Place) => `${place.class}/${place.priority}`;

  function currentOf(place: Place): number {
    const known = current.get(lineOf(place));
    if (known !== undefined) return known;
    const tag = first.get(place.class, place.priority)?.tag;
    const started = typeof tag === "number" ? tag - 1 : 0;
    current.set(lineOf(place), started);
    return started;
  }

  return {
    tagFor(place) {
      const tag = last.get(place.class, place.priority, place.installationId)?.tag;
      return Math.max(currentOf(place), Number(tag ?? 0)) + 1;
    },
    started(place, tag) {
      current.set(lineOf(place), Math.max(currentOf(place), tag));
    },
  };
}
