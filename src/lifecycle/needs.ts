import { isAhead } from "../base/clock.js";
import { hasTrait } from "../base/error-codes.js";
import { REPLICA_LAG_MS } from "../base/github-facts.js";
import type { Trigger } from "../base/model.js";
import type { ManagedRepository } from "../registry/repositories.js";

export interface NeedPorts {
  fullFetchIntervalMs: number;
  /**
   * Returns for how long a comparison of the repository has gone on, or a refresh that a comparison follows, in
   * milliseconds; null: there is none.
   */
  comparingMs(id: number): number | null;
  now(): number;
}

/**
 * Decides why a repository needs a refresh, judged by GitHub's newest answer.
 * @param before the registry's row before that answer; null when there was none
 * @returns null when the mirror matches the answer
 */
export function findNeed(
  ports: NeedPorts,
  now: ManagedRepository,
  before: ManagedRepository | null,
): Trigger | null {
  if (now.pausedAt !== null) return null;
  if (now.state === "onboarding") return "onboard";
  const hasMoved = before !== null && before.defaultBranch !== now.defaultBranch;
  // A failure that a person fixes at GitHub is retried at once, however long it has lasted.
  if (now.state === "failing" && hasTrait(now.error?.code ?? "", "concernsAccess")) return "onboard";
  const differs = now.state !== "fresh" || hasMoved || now.recheck || now.pushedAt > now.settledPushedAt;
  if (!differs && !isDueForComparison(ports, now)) return null;
  const isNews = hasMoved || before?.state !== now.state;
  return !isNews && isBeingCompared(ports, now) ? null : "backstop";
}

/** Whether a comparison goes on that began when GitHub certainly showed the last push. */
function isBeingCompared(
  { comparingMs }: NeedPorts,
  { id, answeredAt, pushedAt }: ManagedRepository,
): boolean {
  const ms = comparingMs(id);
  return ms !== null && answeredAt * 1000 - ms - REPLICA_LAG_MS > pushedAt * 1000;
}

/**
 * Spreads comparisons over a fifth of the interval by id, so that repositories cloned together are compared
 * apart.
 */
function isDueForComparison(ports: NeedPorts, { id, fullAt }: ManagedRepository): boolean {
  const share = 0.8 + 0.2 * (((id * 2654435761) >>> 0) / 2 ** 32);
  const now = ports.now();
  // A comparison dated by a clock that was ahead proves nothing, and would not be due for as long as that.
  return fullAt === null || isAhead(fullAt, now) || now - fullAt > ports.fullFetchIntervalMs * share;
}
