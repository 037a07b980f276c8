import { type Announcement, type RefChange, type Trigger, ZERO } from "../base/model.js";
import type { Row, Store } from "../store/database.js";
import type { OutboxStatements } from "./outbox-sql.js";

export interface OutboxContext {
  store: Pick<Store, "transaction">;
  sql: OutboxStatements;
  now(): number;
}

/** What a mirror's refs are about to become, or have become. */
export interface Intent {
  type: Announcement["type"];
  trigger: Trigger;
  changed: number;
  /** At most MAX_CHANGES of them. */
  changes: RefChange[];
}

/** A longer list of changes is cut; whoever needs more compares the mirror's refs. */
export const MAX_CHANGES = 1_000;

/** As it is stored. */
export const cutChanges = (changes: RefChange[]): string => JSON.stringify(changes.slice(0, MAX_CHANGES));

export function addIntent(
  { sql, now }: OutboxContext,
  id: number,
  { type, trigger, changes }: Omit<Intent, "changed">,
): void {
  sql.intend.run(id, now(), trigger, type, changes.length, cutChanges(changes));
}

/** Whether something was intended of which nobody knows yet whether it was done. */
export const isUnsettled = ({ sql }: OutboxContext, id: number): boolean =>
  sql.intents.all(id).some(isIntended);

/**
 * Keeps of what was intended that which was done, and forgets the rest.
 * @param tips the mirror's refs; null: unreadable, so all of it counts as done
 */
export function settleIntents(
  { store, sql }: OutboxContext,
  id: number,
  tips: ReadonlyMap<string, string> | null,
): void {
  store.transaction(() => {
    for (const row of sql.intents.all(id).filter(isIntended)) {
      const { type, changes, changed } = readIntent(row);
      const done = changes.filter(({ ref, after }) => !tips || (tips.get(ref) ?? ZERO) === after);
      const isCertain = type === "changed" && changed <= changes.length;
      if (!isCertain)
        sql.made.run(type, type === "cloned" && tips ? tips.size : changed, cutChanges(changes), row.seq);
      else if (done.length > 0) sql.made.run(type, done.length, cutChanges(done), row.seq);
      else sql.forget.run(row.seq);
    }
  });
}

/**
 * What there is to announce of a repository: each thing that an earlier pass had left by itself, then all that this
 * one has done as one.
 */
export function findIntents({ sql }: OutboxContext, id: number): Intent[] {
  const rows = sql.intents.all(id);
  const earlier = rows.filter(({ state }) => state === "made").map(readIntent);
  const latest = rows.filter(isIntended).map(readIntent);
  return [...earlier, ...(latest.length > 0 ? [merge(latest)] : [])];
}

const isIntended = ({ state }: Row): boolean => state === "intended";

const readIntent = (row: Row): Intent => ({
  type: row.type as Intent["type"],
  trigger: row.trigger as Trigger,
  changed: Number(row.changed),
  changes: JSON.parse(String(row.changes)) as RefChange[],
});

function merge(intents: Intent[]): Intent {
  const changes = intents.flatMap((intent) => intent.changes);
  const changed = intents.reduce((sum, intent) => sum + intent.changed, 0);
  return { ...intents[0]!, changed, changes: changes.slice(0, MAX_CHANGES) };
}
