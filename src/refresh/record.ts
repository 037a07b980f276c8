import type { RefreshOutcome, RefreshRequest } from "../base/model.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Pass } from "./bring.js";
import type { Guard } from "./guard.js";
import type { RefusedRefs } from "./refused-refs.js";

interface RecordPorts {
  registry: Pick<
    Registry,
    "get" | "managed" | "recordComparison" | "recordRefresh" | "recordFailure" | "recordReason"
  >;
  guard: Pick<Guard, "standing" | "failure">;
  refusedRefs: RefusedRefs;
  now(): number;
}

/** `pushed_at` may still change within the second, and replicas lag. Seconds. */
const SETTLED_AFTER_S = 5;

/**
 * Only a full comparison settles `pushed_at`: the value read before it, once the value is final.
 * @param askedAt when the comparison's question was asked, in milliseconds since 1970
 */
export function recordComparison(
  { registry, guard }: RecordPorts,
  { repository, lease }: Pass,
  askedAt: number,
): void {
  const { id, answeredAt, pushedAt } = repository;
  // While a ref is held, the comparison dates GitHub's answers, but the mirror is not proven equal.
  const equal = guard.standing(id).length === 0;
  const settled = equal && answeredAt - pushedAt >= SETTLED_AFTER_S;
  registry.recordComparison(id, {
    comparedAt: lease.servedAt() ?? answeredAt,
    askedAt,
    settledPushedAt: settled ? pushedAt : -1,
    equal,
  });
}

/** Records the refresh. A refresh of single refs proves only those: a repository behind stays so. */
export function recordRefresh(
  { registry, guard, refusedRefs, now }: RecordPorts,
  repository: ManagedRepository,
  { trigger, armedAt, attempt, full }: RefreshRequest,
  { open }: RefreshOutcome,
): void {
  const { id } = repository;
  const known = registry.managed(id);
  if (!known || known.state === "suspended") return;
  const isBehind = open.length > 0;
  const lagMs = trigger === "push" && !isBehind ? now() - armedAt : null;
  const staysBehind = known.state === "behind" && !full;
  const heldFailure = guard.failure(repository);
  const refusal = refusedRefs.failure(id);
  const whole = refusal ? "incomplete" : "fresh";
  registry.recordRefresh(id, heldFailure ? "failing" : isBehind || staysBehind ? "behind" : whole, lagMs);
  // The refresh succeeded, so the queue repeats nothing; yet the mirror is not what GitHub has.
  if (heldFailure) registry.recordFailure(id, heldFailure, attempt);
  else if (refusal) registry.recordReason(id, refusal, attempt);
}

/** Records which refs were left out, also while GitHub's answers about others may be old. */
export function recordRefused(
  { registry, refusedRefs }: Pick<RecordPorts, "registry" | "refusedRefs">,
  { repositoryId: id, hints }: RefreshRequest,
  { way, refused, open }: RefreshOutcome,
): void {
  if (registry.get(id) === null) return;
  const waiting = new Set(open.map(({ ref }) => ref));
  const settled = hints.map(({ ref }) => ref).filter((ref) => !waiting.has(ref));
  refusedRefs.settle(id, refused, way === "full" || way === "clone" ? null : settled);
}
