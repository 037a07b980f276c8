import { type Announcement, type CheckoutChange, type RefChange, type Trigger, ZERO } from "../base/model.js";
import type { Row, Store } from "../store/database.js";
import { addIntent, cutChanges, isUnsettled, settleIntents } from "./intents.js";
import type { LifeEvent } from "./life.js";
import { outboxStatements } from "./outbox-sql.js";
import { publishChanges, publishTrees, type Repository, writeLife } from "./publish-events.js";

export type { Repository } from "./publish-events.js";

/**
 * Records planned changes of the mirrors' refs, and their outcome. An intent is on disk before the refs move,
 * so the next process can announce the change even if this one is killed.
 */
export interface Outbox {
  /** Refs must not move before the promise is fulfilled: the intent is on disk then. The event loop does not wait for the disk. */
  intend(id: number, trigger: Trigger, changes: RefChange[]): Promise<void>;
  /** Must be called before a mirror is cloned or rebuilt. */
  intendClone(id: number, trigger: Trigger): void;
  /** Records that the new mirror is in place. @param first whether no mirror existed before */
  cloned(id: number, changes: RefChange[], first: boolean): void;
  /** Whether an earlier pass recorded intents whose outcome is unknown. */
  inDoubt(id: number): boolean;
  /** Whether anything of the repository is left to announce. */
  owesEvents(id: number): boolean;
  /**
   * Keeps the part of those intents that took effect. @param tips the mirror's refs; null when they are
   * unreadable, so that every intent counts as done
   */
  resolve(id: number, tips: Map<string, string> | null): void;
  /** Records that a tree was published; must be called in the transaction that records the publishing. */
  published(id: number, change: CheckoutChange): void;
  /** Records that a commit was refused; must be called in the transaction that records the refusal. */
  refused(id: number, change: CheckoutChange): void;
  /**
   * Turns the finished changes of a repository into events, and what was published of them.
   * @param published the refs that trees are published from
   * @returns the events' ids, oldest first
   */
  publish(repository: Repository, trigger: Trigger, published?: readonly string[]): number[];
  /** Turns published trees and refusals into events, unless a change of the mirror comes first. */
  publishTrees(repository: Repository, trigger: Trigger): number[];
  /** Writes events of a repository's life; must be called in the transaction of what they report. @returns their ids */
  addLife(repository: Repository, events: LifeEvent[]): number[];
  /** Lists what was done last to mirrors and trees, newest first; nothing of the repositories' lives. */
  newest(limit: number): Announcement[];
  /** Lists events later than `id`, oldest first. @param repositoryId null means all repositories */
  after(id: number, limit: number, repositoryId: number | null): Announcement[];
  /** Reads a repository's events one by one, newest first, beginning with `from` or the next older one. */
  latestOf(repositoryId: number, from: number): Iterable<Announcement>;
  get(id: number): Announcement | null;
  /** Returns the ids of the oldest stored event (0 when there is none) and of the last event ever made. */
  bounds(): { oldest: number; newest: number };
  /** Deletes events made before `before`, at most `limit`. @returns how many were deleted */
  pruneEvents(before: number, limit: number): number;
  /** Deletes intents whose outcome no refresh has determined in time, at most `limit`. @returns how many were deleted */
  pruneIntents(before: number, limit: number): number;
}

type Later = "publishing" | "refused" | "attributes" | "holds" | "reason";
type Stored = Omit<Announcement, "version" | "id" | "mirror" | Later>;

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
    version: 1,
    // Events of an earlier Lockstep lack these.
    publishing: [],
    refused: [],
    attributes: null,
    holds: [],
    reason: null,
    ...(JSON.parse(String(row.body)) as Stored),
    mirror: mirrorOf(Number(row.repository_id)),
  });

  return {
    async intend(id, trigger, changes) {
      if (changes.length === 0) return;
      await store.inGroup(() => addIntent(context, id, { type: "changed", trigger, changes }));
    },
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
    owesEvents: (id) => sql.owed.get(id, id, id)?.yes === 1,
    resolve: (id, tips) => settleIntents(context, id, tips),
    published(id, { path, ref, before, after }) {
      if (before === after) return;
      sql.accept.run(id, path);
      sql.tree.run(id, path, ref, before, after);
    },
    refused: (id, { path, ref, before, after }) => void sql.refuse.run(id, path, ref, before, after),
    publish: (repository, trigger, published = []) =>
      publishChanges(context, repository, { trigger, published }),
    publishTrees: (repository, trigger) => publishTrees(context, repository, trigger),
    addLife: (repository, events) => writeLife(context, repository, events),
    newest: (limit) => sql.newest.all(limit).map(readEvent),
    after(id, limit, repositoryId) {
      const rows =
        repositoryId === null ? sql.after.all(id, limit) : sql.afterOf.all(id, repositoryId, limit);
      return rows.map(readEvent);
    },
    *latestOf(repositoryId, from) {
      let row = sql.latestOf.get(repositoryId, from);
      while (row) {
        yield readEvent(row);
        row = sql.latestOf.get(repositoryId, Number(row.id) - 1);
      }
    },
    get(id) {
      const row = sql.get.get(id);
      return row ? readEvent(row) : null;
    },
    bounds() {
      const row = sql.bounds.get();
      return { oldest: Number(row?.oldest ?? 0), newest: Number(row?.newest ?? 0) };
    },
    pruneEvents: (before, limit) => sql.pruneEvents.run(before, limit).changes,
    pruneIntents: (before, limit) => sql.pruneIntents.run(before, limit).changes,
  };
}
