import { waitUntil } from "../base/clock.js";
import type { Announcement } from "../base/model.js";
import type { Backlog } from "./backlog.js";
import type { Outbox } from "./outbox.js";

/** What a node asks the one that announces a repository. */
export interface ToldQuestion {
  /** The consumer's key. */
  consumer: string;
  event: Pick<Announcement, "type" | "changes" | "checkouts" | "refused"> & { repository: { id: number } };
  /** How long ago the asking node noticed it, in milliseconds. */
  ageMs: number;
}

/** In a cluster several nodes may have a repository. One of them announces what happens to it to URLs. */
export interface Tellers {
  /** Whether this node is the one that announces the repository. */
  isTeller(repositoryId: number): boolean;
  /** Whether the consumer has heard of the event, or of a later state, from the node that announces it. Never throws. */
  hasTold(question: ToldQuestion): Promise<boolean>;
}

/** A node that is not the one to announce an event says it after this time, unless the other one has. Milliseconds. */
const QUIET_MS = 60_000;
/** Until then it asks the other one, first after this time, in milliseconds. */
const ASK_MS = 5_000;

/** So many events are looked through for the one that is asked about. */
const LOOKED_THROUGH = 200;

/**
 * How an event that another node is to announce goes on here.
 * @param now the wall clock, in milliseconds since 1970
 */
export function quietOf({ at }: Pick<Announcement, "at">, now: number) {
  // An event of the future was made while the clock was wrong.
  const leftMs = waitUntil(Date.parse(at) + QUIET_MS, now, QUIET_MS);
  const isYoung = leftMs > QUIET_MS - ASK_MS;
  return {
    /** Whether the other node has still time to announce it. */
    isQuiet: leftMs > 0,
    /** Whether the other node is to be asked now. */
    isToAsk: !isYoung,
    /** How long until the next look, in milliseconds. */
    waitMs: isYoung ? leftMs - (QUIET_MS - ASK_MS) : Math.min(ASK_MS, leftMs),
  };
}

interface Ports {
  /** The keys of the consumers that several nodes announce to. */
  consumers: readonly string[];
  outbox: Pick<Outbox, "latestOf">;
  backlog: Pick<Backlog, "position">;
  now(): number;
}

/**
 * Answers another node whether the consumer has accepted an event like its own from this one, or all that was pushed until
 * then: the mirror here was proven later, and the consumer has accepted everything since.
 * @param provenAt when the repository's mirror here was last proven, in milliseconds since 1970; null: never
 */
export function hasToldHere(
  { consumers, outbox, backlog, now }: Ports,
  { consumer, event, ageMs }: ToldQuestion,
  provenAt: number | null,
): boolean {
  if (!consumers.includes(consumer)) return false;
  const { id } = event.repository;
  const next = backlog.position(consumer, id)?.eventId ?? null;
  if (next === null && provenAt !== null && provenAt >= now() - ageMs) return true;
  const missing = new Set(statesOf(event));
  let left = LOOKED_THROUGH;
  for (const told of outbox.latestOf(id, (next ?? Number.MAX_SAFE_INTEGER) - 1)) {
    for (const state of statesOf(told)) missing.delete(state);
    if (missing.size === 0) return true;
    if (--left === 0) break;
  }
  return false;
}

/**
 * Returns the event without the refs that a later event of this node's is about, which alone says what they are now; null:
 * nothing is left.
 */
export function notYetSuperseded(
  outbox: Pick<Outbox, "after">,
  event: Announcement,
): ToldQuestion["event"] | null {
  const { id, type, repository, changes, checkouts, refused, truncated } = event;
  if (truncated || type === "cloned") return { type, repository, changes, checkouts, refused };
  const later = outbox.after(id, LOOKED_THROUGH, repository.id).filter((it) => it.type === type);
  const refs = new Set(
    later.flatMap((it) => [...it.changes, ...it.checkouts, ...it.refused].map(({ ref }) => ref)),
  );
  const isLeft = ({ ref }: { ref: string }) => !refs.has(ref);
  const left = {
    type,
    repository,
    changes: changes.filter(isLeft),
    checkouts: checkouts.filter(isLeft),
    refused: refused.filter(isLeft),
  };
  const isEmpty = left.changes.length + left.checkouts.length + left.refused.length === 0;
  return isEmpty && refs.size > 0 ? null : left;
}

/** Two nodes bring the same changes in events of their own. What they lead to is the same. */
function statesOf({ type, changes, checkouts, refused }: ToldQuestion["event"]): string[] {
  const moved = [...changes, ...checkouts, ...refused];
  return moved.length === 0 ? [type] : moved.map(({ ref, after }) => `${type} ${ref} ${after}`);
}
