import type { Mirrors } from "./git/mirror.js";
import type { ApiPorts, RepositoryView } from "./http/api.js";
import type { HealthPorts } from "./http/health.js";
import type { Subject } from "./model.js";
import { keyOf, type RefreshQueue } from "./queue/queue.js";
import type { Runner } from "./queue/runner.js";
import type { ManagedRepository, Registry } from "./registry.js";
import type { Store } from "./store.js";
import type { Settled, Worker } from "./worker.js";

interface Ports {
  store: Store;
  queue: RefreshQueue;
  registry: Registry;
  mirrors: Mirrors;
  runner: Runner;
  worker: Worker;
  staleAfterMs: number;
  stopping(): boolean;
  now(): number;
}

const subjectOf = (id: number): Subject => ({ kind: "repository", id });

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/**
 * When a repository was last known to equal GitHub: its last full comparison, or a later answer of
 * GitHub's that nothing was pushed since. In milliseconds; null: never.
 */
export function provenAt(repository: ManagedRepository): number | null {
  const { fullAt, state, pushedAt, settledPushedAt, confirmedAt } = repository;
  if (fullAt === null) return null;
  const quiet = state === "fresh" && pushedAt <= settledPushedAt;
  return quiet ? Math.max(fullAt, confirmedAt) : fullAt;
}

/** The registry and the queue as the operator sees them. */
export function createViews(ports: Ports): { api: ApiPorts; health: HealthPorts } {
  const { registry, queue, runner } = ports;

  function view(repository: ManagedRepository): RepositoryView {
    const { id, owner, name, state, defaultBranch, installationId, lagMs, error } = repository;
    const subject = subjectOf(id);
    return {
      ...{ id, owner, name, state, defaultBranch, installationId, lagMs },
      queued: queue.has(subject),
      running: runner.busy(subject),
      lastRefreshAt: iso(repository.refreshedAt),
      lastFullAt: iso(repository.fullAt),
      lastProvenAt: iso(provenAt(repository)),
      pushedAt: repository.pushedAt === 0 ? null : iso(repository.pushedAt * 1000),
      lastError: error && { ...error, at: iso(error.at)! },
    };
  }

  function fresh() {
    const aged = registry
      .all()
      .filter(({ state }) => state !== "gone")
      .map((repository) => ({ repository, age: ports.now() - (provenAt(repository) ?? repository.addedAt) }));
    const stale = aged.filter(({ age }) => age > ports.staleAfterMs);
    return {
      ok: stale.length === 0,
      oldestMs: aged.length === 0 ? null : Math.max(...aged.map(({ age }) => age)),
      details: stale.slice(0, 100).map(({ repository }) => ({
        repository: `${repository.owner}/${repository.name}`,
        reason: repository.error ? `${repository.state}: ${repository.error.code}` : repository.state,
      })),
    };
  }

  function ready() {
    if (ports.stopping()) return { ok: false, reason: "stopping" };
    try {
      ports.store.probe();
      return { ok: true };
    } catch {
      return { ok: false, reason: "deliveries cannot be persisted" };
    }
  }

  return {
    api: {
      list: () => registry.all().map(view),
      get(owner, name) {
        const found = registry.find({ owner, name });
        return found && view(found);
      },
      heads: async (id) => Object.fromEntries(await ports.mirrors.tips(id)),
      refresh(id) {
        const installationId = registry.get(id)?.installationId ?? 0;
        queue.arm(subjectOf(id), { trigger: "manual", hints: [], full: true }, { installationId });
        runner.wake(subjectOf(id), "manual");
      },
      settled: (id, ms) => settled(ports, keyOf(subjectOf(id)), () => queue.has(subjectOf(id)), ms),
    },
    health: { ready, fresh },
  };
}

/** Waits until the subject's row is gone, or its run has failed. */
function settled({ worker }: Ports, key: string, isQueued: () => boolean, ms: number) {
  return new Promise<Awaited<ReturnType<ApiPorts["settled"]>>>((resolve) => {
    const end = (answer: Awaited<ReturnType<ApiPorts["settled"]>>) => {
      clearTimeout(timer);
      worker.events.off("settled", listen);
      resolve(answer);
    };
    const listen = (event: Settled) => {
      if (event.key !== key) return;
      if (event.error) end({ ok: false, code: event.error.code, hint: event.error.hint });
      else if (!isQueued()) end({ ok: true });
    };
    const timer = setTimeout(() => end("timeout"), ms);
    worker.events.on("settled", listen);
    if (!isQueued()) end({ ok: true });
  });
}
