import { hasTrait } from "../base/error-codes.js";
import type { Trigger } from "../base/model.js";
import type { ManagedRepository } from "../registry/repositories.js";

export interface NeedPorts {
  fullFetchIntervalMs: number;
  now(): number;
}

/**
 * Why a repository has to be refreshed, judged by what GitHub has just said of it.
 * @param before what was known until then; null: nothing was
 * @returns null: it is as GitHub has it
 */
export function findNeed(
  ports: NeedPorts,
  now: ManagedRepository,
  before: ManagedRepository | null,
): Trigger | null {
  if (now.pausedAt !== null) return null;
  if (now.state === "onboarding") return "onboard";
  const hasMoved = before !== null && before.defaultBranch !== now.defaultBranch;
  // What a person at GitHub can put right is tried at once, however long it has been failing.
  if (now.state === "failing" && hasTrait(now.error?.code ?? "", "concernsAccess")) return "onboard";
  const differs = now.state !== "fresh" || hasMoved || now.recheck || now.pushedAt > now.settledPushedAt;
  return differs || isDueForComparison(ports, now) ? "backstop" : null;
}

/** Spread over a fifth of the interval by id, so that repositories cloned together part ways. */
function isDueForComparison(ports: NeedPorts, { id, fullAt }: ManagedRepository): boolean {
  const share = 0.8 + 0.2 * (((id * 2654435761) >>> 0) / 2 ** 32);
  return ports.now() - (fullAt ?? 0) > ports.fullFetchIntervalMs * share;
}
