import { type Announcement, type CheckoutChange, type RefChange, type Trigger, ZERO } from "../base/model.js";
import type { Row, Store } from "../store/database.js";
import { addIntent, cutChanges, isUnsettled, settleIntents } from "./intents.js";
import { outboxStatements } from "./outbox-sql.js";
import { publishEvents, type Repository } from "./publish-events.js";

export type { Repository } from "./publish-events.js";

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
  const sql = outboxStatements(store);
  const context = { store, sql, now };

  const readEvent = (row: Row): Announcement => ({
    id: Number(row.id),
    ...(JSON.parse(String(row.body)) as Omit<Announcement, "id" | "mirror">),
    mirror: mirrorOf(Number(row.repository_id)),
  });

  return {
    intend: (id, trigger, changes) =>
      changes.length > 0 && addIntent(context, id, { type: "changed", trigger, changes }),
    intendClone(id, trigger) {
      store.transaction(() => {
        sql.forgetClone.run(id);
        addIntent(context, id, { type: "cloned", trigger, changes: [] });
      });
    },
    cloned(id, changes, first) {
      const isEverything = first || (changes.length > 0 && changes.every(({ before }) => before === ZERO));
      if (isEverything) sql.cloned.run("cloned", changes.length, "[]", id);
      else if (changes.length > 0) sql.cloned.run("changed", changes.length, cutChanges(changes), id);
      else sql.forgetClone.run(id);
    },
    inDoubt: (id) => isUnsettled(context, id),
    resolve: (id, tips) => settleIntents(context, id, tips),
    published(id, { path, ref, before, after }) {
      if (before !== after) sql.tree.run(id, path, ref, before, after);
    },
    publish: (repository, trigger) => publishEvents(context, repository, trigger),
    after(id, limit, repositoryId) {
      const rows =
        repositoryId === null ? sql.after.all(id, limit) : sql.afterOf.all(id, repositoryId, limit);
      return rows.map(readEvent);
    },
    get(id) {
      const row = sql.get.get(id);
      return row ? readEvent(row) : null;
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
