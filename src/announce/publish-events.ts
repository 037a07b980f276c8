import type { Announcement, CheckoutChange, Trigger } from "../base/model.js";
import { iso } from "../base/units.js";
import type { Row } from "../store/database.js";
import { findIntents, type OutboxContext } from "./intents.js";
import type { LifeEvent } from "./life.js";

export interface Repository {
  id: number;
  owner: string;
  name: string;
}

/**
 * Makes one event of what the current pass did, and one of each thing an earlier pass left. Then come the trees whose
 * publishing was over before the mirror's change was announced.
 * @param published the refs that trees are published from
 * @returns the events' ids, oldest first
 */
export function publishChanges(
  context: OutboxContext,
  repository: Repository,
  { trigger, published }: { trigger: Trigger; published: readonly string[] },
): number[] {
  const { store, sql } = context;
  return store.transaction(() => {
    const intents = findIntents(context, repository.id);
    if (intents.length > 0) sql.forgetAll.run(repository.id);
    const ids = intents.map(({ changes, ...intent }) => {
      const moved = new Set(changes.map(({ ref }) => ref));
      const publishing = published.filter((ref) => moved.has(ref));
      return writeEvent(context, repository, { ...intent, changes, publishing });
    });
    return [...ids, ...publishTrees(context, repository, trigger)];
  });
}

/**
 * Makes an event of the trees that were published, and one of the commits that were refused. While a change of the
 * mirror is not announced, the trees wait for it: the refresh announces them.
 * @returns the events' ids, oldest first
 */
export function publishTrees(context: OutboxContext, repository: Repository, trigger: Trigger): number[] {
  const { store, sql } = context;
  const { id } = repository;
  return store.transaction(() => {
    if (sql.intents.all(id).length > 0) return [];
    const checkouts = sql.trees.all(id).map(readTree).filter(isChange);
    const refused = sql.refused.all(id).map(readTree);
    sql.forgetTrees.run(id);
    sql.forgetRefused.run(id);
    const ids = [];
    if (checkouts.length > 0)
      ids.push(writeEvent(context, repository, { type: "published", trigger, checkouts }));
    if (refused.length > 0) ids.push(writeEvent(context, repository, { type: "refused", trigger, refused }));
    return ids;
  });
}

/** Writes events of a repository's life. @returns the events' ids, oldest first */
export const writeLife = (context: OutboxContext, repository: Repository, events: LifeEvent[]): number[] =>
  events.map((event) => writeEvent(context, repository, { trigger: null, ...event }));

type Content = Pick<Announcement, "type" | "trigger"> & Partial<Announcement>;

function writeEvent({ sql, now }: OutboxContext, { id, owner, name }: Repository, content: Content): number {
  const at = now();
  const { type, trigger, changed = 0, changes = [] } = content;
  const body = {
    type,
    at: iso(at),
    repository: { id, owner, name },
    trigger,
    changed,
    truncated: changed > changes.length,
    changes,
    publishing: content.publishing ?? [],
    checkouts: content.checkouts ?? [],
    refused: content.refused ?? [],
    attributes: content.attributes ?? null,
    holds: content.holds ?? [],
    reason: content.reason ?? null,
  };
  return Number(sql.publish.get(id, at, trigger === null ? 1 : 0, JSON.stringify(body))?.id);
}

const isChange = ({ before, after }: CheckoutChange): boolean => before !== after;

const readTree = ({ ref, before, after, path }: Row): CheckoutChange => ({
  ref: String(ref),
  before: String(before),
  after: String(after),
  path: String(path),
});
