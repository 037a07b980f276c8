import { waitUntil } from "../base/clock.js";
import { statesOf } from "../base/event-states.js";
import type { Announcement } from "../base/model.js";
import type { Backlog } from "./backlog.js";
import type { Outbox } from "./outbox.js";

/** What a node asks the one that announces a repository. */
export interface ToldQuestion {
  /** The consumer's key. */
  consumer: string;
  repositoryId: number;
  /** What the event says is so now, by what it is about. */
  states: [about: string, value: string][];
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
  { consumer, repositoryId, states, ageMs }: ToldQuestion,
  provenAt: number | null,
): boolean {
  if (!consumers.includes(consumer)) return false;
  const next = backlog.position(consumer, repositoryId)?.eventId ?? null;
  if (next === null && provenAt !== null && provenAt >= now() - ageMs) return true;
  const missing = new Map(states);
  let left = LOOKED_THROUGH;
  // Only what was said last of something counts: a ref may have gone there, and back, and there again.
  for (const told of outbox.latestOf(repositoryId, (next ?? Number.MAX_SAFE_INTEGER) - 1)) {
    for (const [about, value] of statesOf(told)) {
      const wanted = missing.get(about);
      if (wanted !== undefined && wanted !== value) return false;
      missing.delete(about);
    }
    if (missing.size === 0) return true;
    if (--left === 0) break;
  }
  return false;
}

/** Returns what the event says, without that of which a later event of this node's says something. */
export function notYetSuperseded(outbox: Pick<Outbox, "after">, event: Announcement): ToldQuestion["states"] {
  const states = [...statesOf(event)];
  if (event.truncated) return states;
  const later = outbox.after(event.id, LOOKED_THROUGH, event.repository.id);
  const abouts = new Set(later.flatMap((it) => [...statesOf(it).keys()]));
  return states.filter(([about]) => !abouts.has(about));
}
