import type { RefreshError } from "./base/errors.js";
import { MAX_TAGS_WITH_DELIVERY } from "./base/github-facts.js";
import type { Log } from "./base/log.js";
import { keyOf, type RefreshOutcome, type RefreshRequest, type Trigger } from "./base/model.js";
import { fullNameOrId } from "./base/names.js";
import { createSignal, type Subscribe } from "./base/signal.js";
import type { DeliveryLog } from "./deliveries/log.js";
import type { Lifecycle } from "./lifecycle/reconcile.js";
import type { RefreshQueue, Snapshot } from "./queue/contract.js";
import type { RunnerPorts } from "./queue/runner.js";
import type { RefreshLog } from "./refresh/log.js";
import { isManaged, type ManagedRepository, type Registry } from "./registry/repositories.js";
import type { Store } from "./store/database.js";
import type { Syncer } from "./syncer.js";

export interface WorkerPorts {
  store: Store;
  queue: RefreshQueue;
  registry: Registry;
  deliveries: DeliveryLog;
  refreshes: RefreshLog;
  syncer: Syncer;
  lifecycle: Lifecycle;
  log: Log;
}

/** What became of a run, told to whoever waits for its subject. */
export type Settled = { key: string; error: RefreshError | null };

export interface Worker extends RunnerPorts {
  /** A run has ended, and the runner has forgotten it. */
  onSettled: Subscribe<[Settled]>;
  /** A full comparison by the backstop, begun then, found a push that no delivery before had told of. */
  onUntold: Subscribe<[id: number, repository: string, begunAt: number]>;
  /** A refresh has ended. With its result or error code; `lagMs` since the push's delivery, null: no push. */
  onRefreshed: Subscribe<[trigger: Trigger, result: string, seconds: number, lagMs: number | null]>;
  /** A pass over the installations has ended. */
  onPass: Subscribe<[error: RefreshError | null]>;
}

const STARTED_AT = Date.now();

/** Refs named in a log line; the API has them all. */
const LOGGED_REFS = 10;

/** Runs one subject of the queue and writes down what became of it. */
export function createWorker(ports: WorkerPorts): Worker {
  const { registry, log } = ports;
  const begun = new Map<string, number>();
  const outcomes = new Map<string, RefreshOutcome>();
  const settled = createSignal<[Settled]>();
  const untold = createSignal<[id: number, repository: string, begunAt: number]>();
  const refreshed = createSignal<[trigger: Trigger, result: string, seconds: number, lagMs: number | null]>();
  const passed = createSignal<[error: RefreshError | null]>();

  const nameOf = (id: number) => fullNameOrId(registry.get(id), id);

  async function run(snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const { subject, request } = snapshot;
    const begunAt = Date.now();
    begun.set(keyOf(subject), begunAt);
    if (subject.kind === "app") return ports.lifecycle.reconcileApp();
    if (subject.kind === "installation") return ports.lifecycle.reconcileInstallation(subject.id);
    const before = registry.get(subject.id);
    const outcome = await ports.syncer.refresh(request, signal);
    outcomes.set(keyOf(subject), outcome);
    count(snapshot, outcome.result, true);
    if (before && isUntold(before, request, outcome)) untold.emit(subject.id, nameOf(subject.id), begunAt);
    log.info({ ...about(snapshot), ...told(outcome) }, "refreshed");
  }

  function count({ subject, request }: Snapshot, result: string, isFresh: boolean): void {
    const now = Date.now();
    const seconds = (now - (begun.get(keyOf(subject)) ?? now)) / 1000;
    const isPush = isFresh && request.trigger === "push";
    refreshed.emit(request.trigger, result, seconds, isPush ? now - request.armedAt : null);
  }

  /** What every line about a run says: of what, why, and how long it took so far. */
  function about({ subject, request }: Snapshot): object {
    const { trigger, deliveryId, attempt, armedAt } = request;
    const what =
      subject.kind === "repository" ? { repository: nameOf(subject.id) } : { subject: keyOf(subject) };
    const now = Date.now();
    const took = { durationMs: now - (begun.get(keyOf(subject)) ?? now), lagMs: now - armedAt };
    const optional = { ...(deliveryId ? { deliveryId } : {}), ...(attempt > 1 ? { attempt } : {}) };
    return { ...what, trigger, ...optional, ...took };
  }

  function settle(snapshot: Snapshot, error: RefreshError | null): void {
    const retryInMs = ports.store.transaction(() => {
      note(snapshot, error);
      if (error) return recordFailure(snapshot, error);
      ports.queue.succeed(snapshot);
      ports.deliveries.settle(snapshot.subject, snapshot.generation);
      return null;
    });
    if (snapshot.subject.kind === "app") passed.emit(error);
    if (error) tellFailure(snapshot, error, retryInMs);
    if (error && snapshot.subject.kind === "repository") count(snapshot, error.code, false);
    begun.delete(keyOf(snapshot.subject));
    outcomes.delete(keyOf(snapshot.subject));
    // After the runner has forgotten the run: who waits sees it neither queued nor running.
    setImmediate(() => settled.emit({ key: keyOf(snapshot.subject), error }));
  }

  /** In the history of the repository. */
  function note({ subject, request }: Snapshot, error: RefreshError | null): void {
    const outcome = outcomes.get(keyOf(subject));
    if (subject.kind !== "repository" || (error ? error.is("postponed") : !outcome)) return;
    const { trigger, attempt, armedAt } = request;
    const endedAt = Date.now();
    const durationMs = endedAt - (begun.get(keyOf(subject)) ?? endedAt);
    ports.refreshes.add(subject.id, {
      endedAt,
      durationMs,
      lagMs: endedAt - armedAt,
      trigger,
      attempt,
      ...(error || !outcome
        ? { result: error?.code ?? "internal", reason: error?.message ?? null, way: "none", changed: 0 }
        : { result: outcome.result, reason: null, way: outcome.way, changed: outcome.changes.length }),
    });
  }

  function recordFailure(snapshot: Snapshot, error: RefreshError): number | null {
    const { subject, request } = snapshot;
    if (subject.kind === "repository") {
      const repository = registry.get(subject.id);
      if (error.code === "suspended") {
        if (repository && isManaged(repository)) registry.setState(subject.id, "suspended");
      } else if (!error.is("postponed")) {
        registry.failed(subject.id, error, request.attempt);
      }
    }
    return ports.queue.fail(snapshot, error);
  }

  function tellFailure(snapshot: Snapshot, error: RefreshError, retryInMs: number | null): void {
    const { code, message, hint } = error;
    const details = { ...about(snapshot), code, reason: message, retryInMs };
    if (error.is("postponed")) log.info(details, "refresh put off");
    else if (code === "internal")
      log.error({ ...details, hint, err: error.cause ?? error }, "refresh failed");
    else log.warn({ ...details, hint }, "refresh failed");
  }

  return {
    onSettled: settled.on,
    onUntold: untold.on,
    onRefreshed: refreshed.on,
    onPass: passed.on,
    run,
    settle,
    onFault: (error) =>
      log.error({ err: error }, "the queue cannot be written; requests stay where they are"),
  };
}

/** Whether a repository that was in step, as far as deliveries tell, turned out not to be. */
function isUntold(before: ManagedRepository, request: RefreshRequest, outcome: RefreshOutcome): boolean {
  const byBackstop = request.trigger === "backstop" && request.deliveryId === null;
  if (!byBackstop || before.state !== "fresh" || outcome.way !== "full") return false;
  const pushedSinceStart = before.pushedAt * 1000 > STARTED_AT;
  const heads = outcome.changes.filter(({ ref }) => ref.startsWith("refs/heads/")).length;
  const tags = outcome.changes.filter(({ ref }) => ref.startsWith("refs/tags/")).length;
  return pushedSinceStart && (heads > 0 || (tags > 0 && tags <= MAX_TAGS_WITH_DELIVERY));
}

function told({ result, way, changes }: RefreshOutcome): object {
  const refs = changes.slice(0, LOGGED_REFS).map(({ ref, after }) => `${ref}@${after.slice(0, 12)}`);
  return { result, way, changed: changes.length, refs };
}
