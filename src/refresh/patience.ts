import { ageOf } from "../base/clock.js";
import { REPLICA_GIVES_UP_MS, REPLICA_LAG_MS } from "../base/github-facts.js";
import type { OpenRef, RefHint } from "../base/model.js";

/** Replicas are asked again this long after the push was first received, in milliseconds. */
const ASK_AT_MS = [1_000, 3_000, 8_000, REPLICA_LAG_MS];
/** Two questions about one ref are at least this far apart, in milliseconds. */
const SHORTEST_MS = 500;
/** After REPLICA_LAG_MS the waits double up to this, in milliseconds. */
const LONGEST_MS = 5 * 60_000;

/** What is known when GitHub shows a ref as it was before a reported push. */
export interface OldAnswer {
  hint: RefHint;
  /** The object that GitHub shows; ZERO: none. */
  answer: string;
  /** Whether the push is later than everything that was acted on for this ref. */
  isNews: boolean;
  /** The repository's `pushed_at` by REST, read after the answer, in whole seconds since 1970. */
  pushedAt: number;
  /** In milliseconds since 1970. */
  now: number;
}

/**
 * - accept: the answer is GitHub's truth after all.
 * - abandon: a day has passed; the answer counts as the truth, and an operator is informed.
 */
export type Ruling = { kind: "accept" } | { kind: "abandon" } | { kind: "open"; open: OpenRef };

/**
 * The one policy for GitHub's lagging replicas, for one ref: the push's tip is expected until the deadline, which
 * counts from the push's first receipt. Other failures, and the number of tries, change nothing about it.
 */
export function ruleOnOldAnswer({ hint, answer, isNews, pushedAt, now }: OldAnswer): Ruling {
  // A clock that was set back makes the receipt seem to lie ahead; the push then counts as just received.
  const ageMs = ageOf(hint.receivedAt, now);
  if (ageMs < REPLICA_LAG_MS) return waitingFor(hint.ref, ageMs);
  // Something was pushed later, so the ref may well be back at its former tip.
  if (pushedAt > hint.pushedAt) return { kind: "accept" };
  // Another delivery was acted on, reported just this, or is not known in full; nothing proves that it came first.
  if (!isNews || hint.contested || hint.rivals?.includes(answer)) return { kind: "accept" };
  if (ageMs >= REPLICA_GIVES_UP_MS) return { kind: "abandon" };
  return { kind: "open", open: { ref: hint.ref, stage: "behind", askInMs: Math.min(LONGEST_MS, ageMs) } };
}

/** Rules on an answer that would turn back a ref that a delivery has just moved; it is always waited for. */
export function waitForMove(ref: string, movedAt: number, now: number): Ruling {
  return waitingFor(ref, ageOf(movedAt, now));
}

function waitingFor(ref: string, ageMs: number): Ruling {
  const nextAt = ASK_AT_MS.find((at) => at > ageMs) ?? ageMs;
  return { kind: "open", open: { ref, stage: "waiting", askInMs: Math.max(SHORTEST_MS, nextAt - ageMs) } };
}

/**
 * Returns when every ref is compared once more, in milliseconds, since each answer about pushes whose refs were too many
 * to keep may be old; null: there are none, or replicas had their time.
 */
export function compareAgainInMs(unlisted: { receivedAt: number } | null, now: number): number | null {
  if (unlisted === null) return null;
  const left = Math.min(unlisted.receivedAt, now) + REPLICA_LAG_MS - now;
  return left > 0 ? Math.max(SHORTEST_MS, left) : null;
}
