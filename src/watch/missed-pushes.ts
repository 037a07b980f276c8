import type { RecoveryState } from "../deliveries/recovery.js";
import type { Facts } from "../store/facts.js";
import { type MissedPushes, type Problem, silenceProblems } from "./problems.js";

export interface MissedPushPorts {
  facts: Facts;
  recovery(): RecoveryState;
  /** When a delivery last came in by that way, in milliseconds. */
  lastDeliveryAt(): number | null;
  now(): number;
}

/** Pushes found by a refresh, whose deliveries may still be on their way. */
export interface PendingPushes {
  /** @param since what came in from then on may have been its delivery */
  add(repositoryId: number, repository: string, since?: number): void;
  /** A delivery about the repository came in after all. */
  drop(repositoryId: number): void;
  problems(): Problem[];
}

interface Pending {
  at: number;
  repository: string;
}

/** A delivery may be on its way while the sweep finds its push. */
const ON_ITS_WAY_MS = 60_000;
/** One lost delivery is not held against the webhook for longer. */
const FORGET_MISSED_MS = 24 * 3_600_000;
const FACT = { webhook: "webhook-untold", pull: "log-untold" };

/** @param source how deliveries come in; null: not at all, so none is missed */
export function createPendingPushes(
  ports: MissedPushPorts,
  source: "webhook" | "pull" | null,
): PendingPushes {
  const deliveredAt = new Map<number, number>();
  const pending = new Map<number, Pending>();
  return {
    add(repositoryId, repository, since) {
      if (source === null || pending.has(repositoryId)) return;
      if (since !== undefined && (deliveredAt.get(repositoryId) ?? 0) >= since) return;
      pending.set(repositoryId, { at: ports.now(), repository });
    },
    drop(repositoryId) {
      deliveredAt.set(repositoryId, ports.now());
      pending.delete(repositoryId);
    },
    problems() {
      if (source === null) return [];
      for (const push of takeOverdue(ports, pending, source)) countMissed(ports, push, source);
      return findSilence(ports, source);
    },
  };
}

/** @returns those whose deliveries should have come in by now, and are waited for no longer */
function takeOverdue(
  { recovery, now }: MissedPushPorts,
  pending: Map<number, Pending>,
  source: "webhook" | "pull",
): Pending[] {
  // GitHub's log cannot say before it is read.
  const knownUpTo = source === "pull" ? (recovery().upTo ?? 0) : now();
  const overdue = [...pending].filter(([, { at }]) => knownUpTo - at >= ON_ITS_WAY_MS);
  for (const [id] of overdue) pending.delete(id);
  return overdue.map(([, push]) => push);
}

/** On disk: a restart does not mend a webhook. */
function countMissed(
  { facts }: MissedPushPorts,
  { at, repository }: Pending,
  source: "webhook" | "pull",
): void {
  const known = facts.get<MissedPushes>(FACT[source]);
  facts.set(FACT[source], { at, repository, count: (known?.count ?? 0) + 1 });
}

/** A later delivery, or a day, ends it. */
function findSilence(ports: MissedPushPorts, source: "webhook" | "pull"): Problem[] {
  const { facts, now } = ports;
  const missed = facts.get<MissedPushes>(FACT[source]);
  if (!missed) return [];
  const lastAt = ports.lastDeliveryAt();
  const isOver = (lastAt ?? 0) > missed.at || now() - missed.at > FORGET_MISSED_MS;
  if (isOver) facts.set(FACT[source], null);
  return isOver ? [] : silenceProblems(missed, lastAt, source);
}
