import { isAhead } from "../base/clock.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { Facts } from "../store/facts.js";
import type { Problem } from "./problems.js";
import { type MissedPushes, silenceProblems } from "./silence.js";

export interface MissedPushPorts {
  facts: Facts;
  recovery(): RecoveryState;
  /** When a delivery last arrived by that source, in milliseconds since 1970. */
  lastDeliveryAt(): number | null;
  now(): number;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
}

/** Pushes found by a refresh whose deliveries may still be on their way. */
export interface PendingPushes {
  /** @param begunAgoMs deliveries that arrived since that many milliseconds ago may have reported the push */
  add(repositoryId: number, repository: string, begunAgoMs?: number): void;
  /** Reports that a delivery about the repository arrived after all. */
  drop(repositoryId: number): void;
  problems(): Problem[];
}

interface Pending {
  /** When the push was found, by the wall clock. */
  at: number;
  /** The same, by the monotonic clock, which the wait goes by. */
  foundAt: number;
  repository: string;
}

/** A delivery may be on its way while the sweep finds its push. */
const ON_ITS_WAY_MS = 60_000;
/** A missed push counts as a problem of the webhook for at most this long. */
const FORGET_MISSED_MS = 24 * 3_600_000;
const FACT = { webhook: "missed-by-webhook", pull: "missed-by-log" };

/** @param source how deliveries arrive; null when they do not, so that none can be missed */
export function createPendingPushes(
  ports: MissedPushPorts,
  source: "webhook" | "pull" | null,
): PendingPushes {
  /** By the monotonic clock. */
  const deliveredAt = new Map<number, number>();
  const pending = new Map<number, Pending>();
  return {
    add(repositoryId, repository, begunAgoMs) {
      if (source === null || pending.has(repositoryId)) return;
      const foundAt = ports.clock();
      const lastAt = deliveredAt.get(repositoryId);
      if (begunAgoMs !== undefined && lastAt !== undefined && lastAt >= foundAt - Math.max(0, begunAgoMs))
        return;
      pending.set(repositoryId, { at: ports.now(), foundAt, repository });
    },
    drop(repositoryId) {
      deliveredAt.set(repositoryId, ports.clock());
      pending.delete(repositoryId);
    },
    problems() {
      if (source === null) return [];
      for (const push of takeOverdue(ports, pending, source)) countMissed(ports, push, source);
      return findSilence(ports, source);
    },
  };
}

/** @returns the pushes whose deliveries are overdue; these are not waited for any longer */
function takeOverdue(
  { recovery, clock }: MissedPushPorts,
  pending: Map<number, Pending>,
  source: "webhook" | "pull",
): Pending[] {
  // GitHub's log must be read before a push counts as missed.
  const knownUpTo = source === "pull" ? (recovery().upTo ?? Number.NEGATIVE_INFINITY) : clock();
  const overdue = [...pending].filter(([, { foundAt }]) => knownUpTo - foundAt >= ON_ITS_WAY_MS);
  for (const [id] of overdue) pending.delete(id);
  return overdue.map(([, push]) => push);
}

/** The missed push is stored on disk, because a restart does not repair a webhook. */
function countMissed(
  { facts }: MissedPushPorts,
  { at, repository }: Pending,
  source: "webhook" | "pull",
): void {
  const known = facts.get<MissedPushes>(FACT[source]);
  facts.set(FACT[source], { at, repository, count: (known?.count ?? 0) + 1 });
}

/** A later delivery, or a day, clears the missed push. */
function findSilence(ports: MissedPushPorts, source: "webhook" | "pull"): Problem[] {
  const { facts, now } = ports;
  const missed = facts.get<MissedPushes>(FACT[source]);
  if (!missed) return [];
  // A time stored while the clock was ahead would outlast every delivery, so the wait begins again.
  const at = isAhead(missed.at, now()) ? now() : missed.at;
  if (at !== missed.at) facts.set(FACT[source], { ...missed, at });
  const lastAt = ports.lastDeliveryAt();
  const isOver = (lastAt ?? 0) > at || now() - at > FORGET_MISSED_MS;
  if (isOver) facts.set(FACT[source], null);
  return isOver
    ? []
    : silenceProblems({ ...missed, at }, lastAt, { deliverySource: source, log: ports.recovery() });
}
