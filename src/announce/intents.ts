import { type Announcement, type RefChange, type Trigger, ZERO } from "../base/model.js";
import type { Row, Store } from "../store/database.js";
import type { OutboxStatements } from "./outbox-sql.js";

export interface OutboxContext {
  store: Pick<Store, "transaction">;
  sql: OutboxStatements;
  now(): number;
}

/** A planned or finished change of a mirror's refs. */
export interface Intent {
  type: Announcement["type"];
  trigger: Trigger;
  changed: number;
  /** The list has at most MAX_CHANGES entries. */
  changes: RefChange[];
}

/** A longer list of changes is cut; consumers that need all changes compare the mirror's refs. */
export const MAX_CHANGES = 1_000;

/** The form of an intent in the store. */
export const cutChanges = (changes: RefChange[]): string => JSON.stringify(changes.slice(0, MAX_CHANGES));

export function addIntent(
  { sql, now }: OutboxContext,
  id: number,
  { type, trigger, changes }: Omit<Intent, "changed">,
): void {
  sql.intend.run(id, now(), trigger, type, changes.length, cutChanges(changes));
}

/** Whether an earlier pass recorded intents whose outcome is unknown. */
export const isUnsettled = ({ sql }: OutboxContext, id: number): boolean =>
  sql.intents.all(id).some(isIntended);

/**
 * Keeps the part of the intents that took effect, and deletes the rest.
 * @param tips the mirror's refs; null when they are unreadable, so that every intent counts as done
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
 * Lists what a repository has to announce: one entry for each thing that an earlier pass left, then one entry
 * for all that the current pass did.
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
