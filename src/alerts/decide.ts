import type { Condition, Level } from "./condition.js";

/** What is on disk, so that a restart neither repeats nor loses an alert. */
export interface AlertState {
  /** The level of the last message that was accepted or is on its way. */
  told: Level;
  /** Another level than the told one, and since when it holds, in milliseconds since 1970; null: the told one holds. */
  seen: { level: Level; since: number } | null;
  /** The message that was not accepted yet. */
  message: Message | null;
}

export interface Message {
  /** The same in every attempt. */
  id: string;
  text: string;
  /** The level that receivers were last told of, should this message never be sent. */
  before: Level;
  /** The number of failed attempts. */
  attempt: number;
  /** When the next attempt is due, in milliseconds since 1970. */
  dueAt: number;
}

export const INITIAL: AlertState = { told: "well", seen: null, message: null };

interface Rules {
  now: number;
  delayMs: number;
  newId(): string;
}

/**
 * Decides what an observation changes. A level is told once it has held for `delayMs`, so that a condition that comes
 * and goes sends nothing. A message that is still waiting is replaced, or dropped if all is as it was told. Pure.
 */
export function observe(
  state: AlertState,
  { level, text }: Condition,
  { now, delayMs, newId }: Rules,
): AlertState {
  if (level === state.told) return state.seen === null ? state : { ...state, seen: null };
  // A time that is ahead was stored while the clock was wrong.
  const since = state.seen?.level === level ? Math.min(state.seen.since, now) : now;
  const seen = { level, since };
  if (now - since < delayMs) return isSame(state.seen, seen) ? state : { ...state, seen };
  const before = state.message?.before ?? state.told;
  const message = { id: newId(), text, before, attempt: 0, dueAt: now };
  return { told: level, seen: null, message: level === before ? null : message };
}

const isSame = (a: AlertState["seen"], b: AlertState["seen"]): boolean =>
  a?.level === b?.level && a?.since === b?.since;
