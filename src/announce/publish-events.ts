import type { CheckoutChange, Trigger } from "../base/model.js";
import { iso } from "../base/units.js";
import type { Row } from "../store/database.js";
import { findIntents, type Intent, type OutboxContext } from "./intents.js";

export interface Repository {
  id: number;
  owner: string;
  name: string;
}

/**
 * Makes one event of what the current pass did, and one of each thing an earlier pass left. @returns their
 * ids, oldest first
 */
export function publishEvents(context: OutboxContext, repository: Repository, trigger: Trigger): number[] {
  const { store, sql } = context;
  const intents = findIntents(context, repository.id);
  const checkouts = sql.trees.all(repository.id).map(readTree).filter(isChange);
  if (intents.length === 0 && checkouts.length === 0) return [];
  if (intents.length === 0) intents.push({ type: "published", trigger, changed: 0, changes: [] });
  return store.transaction(() => {
    sql.forgetAll.run(repository.id);
    sql.forgetTrees.run(repository.id);
    return intents.map((intent, index) => {
      const isLast = index === intents.length - 1;
      return writeEvent(context, repository, intent, isLast ? checkouts : []);
    });
  });
}

function writeEvent(
  { sql, now }: OutboxContext,
  { id, owner, name }: Repository,
  { type, trigger, changed, changes }: Intent,
  checkouts: CheckoutChange[],
): number {
  const at = now();
  const body = {
    type,
    at: iso(at),
    repository: { id, owner, name },
    trigger,
    changed,
    truncated: changed > changes.length,
    changes,
    checkouts,
  };
  return Number(sql.publish.get(id, at, JSON.stringify(body))?.id);
}

const isChange = ({ before, after }: CheckoutChange): boolean => before !== after;

const readTree = ({ ref, before, after, path }: Row): CheckoutChange => ({
  ref: String(ref),
  before: String(before),
  after: String(after),
  path: String(path),
});
