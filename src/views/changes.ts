import type { Outbox } from "../announce/outbox.js";
import type { RefChange } from "../base/model.js";
import type { RepositoryListPorts } from "../http/repository-lists.js";

/** The id of an event, and the number of a change in it. */
type Place = [event: number, number: number];

/** An answer is made from at most this many events; most of them may have changed no ref. */
const MAX_EVENTS = 200;

/** Shows the announced changes of one repository's refs to the operator, by pages. */
export function createChangeViews(outbox: Pick<Outbox, "latestOf">): RepositoryListPorts["changes"] {
  return (id, { limit, after }) => {
    const [from, done] = after ?? [Number.MAX_SAFE_INTEGER, -1];
    const changes = [];
    let [events, last]: [number, Place | null] = [0, null];
    for (const { id: event, at, changes: all } of outbox.latestOf(id, from)) {
      if (++events > MAX_EVENTS) return { changes, next: last };
      const first = event === from ? done + 1 : 0;
      for (const [number, change] of rest(all, first)) {
        if (changes.length === limit) return { changes, next: last };
        changes.push({ event, at, ...change });
        last = [event, number];
      }
      last = [event, all.length];
    }
    return { changes, next: null };
  };
}

const rest = (changes: RefChange[], first: number): [number, RefChange][] =>
  changes.slice(first).map((change, n) => [first + n, change]);
