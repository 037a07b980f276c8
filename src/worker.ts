import { ageOf, steadyNow } from "./base/clock.js";
import type { RefreshError } from "./base/errors.js";
import { MAX_TAGS_WITH_DELIVERY } from "./base/github-facts.js";
import type { Log } from "./base/log.js";
import { keyOf, type RefreshOutcome, type RefreshRequest, type Subject, type Trigger } from "./base/model.js";
import { fullNameOrId } from "./base/names.js";
import { createSignal, type Subscribe } from "./base/signal.js";
import { isWiki } from "./base/wikis.js";
import type { DeliveryLog } from "./deliveries/log.js";
import type { Lifecycle } from "./lifecycle/reconcile.js";
import type { RefreshQueue, Snapshot } from "./queue/contract.js";
import type { RunnerPorts } from "./queue/runner.js";
import type { RefreshLog } from "./refresh/log.js";
import { notYetOf, whatIsLeft } from "./refresh/outcome.js";
import type { ManagedRepository, Registry } from "./registry/repositories.js";
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
  /** Publishes the trees of a repository, without a refresh. @throws RefreshError the first failure */
  publish(request: RefreshRequest, signal: AbortSignal): Promise<void>;
  /** @throws RefreshError `disk_full` when the disk has no room for the work */
  requireRoom(work: "refresh" | "publish"): void;
  log: Log;
}

/** The outcome of a run, for subscribers that wait for its subject. */
export type Settled = { key: string; error: RefreshError | null };

export interface Worker extends RunnerPorts {
  /** Reports that a run has ended and that the runner no longer lists it. */
  onSettled: Subscribe<[Settled]>;
  /**
   * Reports that the backstop's full comparison, begun so many milliseconds ago, found a push that no delivery had
   * reported.
   */
  onMissedPush: Subscribe<[id: number, repository: string, begunAgoMs: number]>;
  /**
   * Reports the end of a refresh, with its result or error code; `lagMs` counts from the push's delivery,
   * null without a push.
   */
  onRefreshed: Subscribe<[trigger: Trigger, result: string, seconds: number, lagMs: number | null]>;
  /** Reports that a pass over the installations has ended, which began so many milliseconds ago. */
  onPass: Subscribe<[error: RefreshError | null, begunAgoMs: number]>;
}

const STARTED_AT = Date.now();

/** A log line names at most this many refs; the API has them all. */
const LOGGED_REFS = 10;

/** Running subjects, by their keys. */
interface Runs {
  /** When each run began, by the steady clock, in milliseconds. */
  begunAt: Map<string, number>;
  /** Results of refreshes whose runs are not settled yet. */
  outcomes: Map<string, RefreshOutcome>;
}

interface WorkerContext {
  ports: WorkerPorts;
  runs: Runs;
  signals: ReturnType<typeof createSignals>;
}

const createSignals = () => ({
  settled: createSignal<[Settled]>(),
  missedPush: createSignal<[id: number, repository: string, begunAgoMs: number]>(),
  refreshed: createSignal<[trigger: Trigger, result: string, seconds: number, lagMs: number | null]>(),
  passed: createSignal<[error: RefreshError | null, begunAgoMs: number]>(),
});

/** Runs one subject of the queue and records the outcome. */
export function createWorker(ports: WorkerPorts): Worker {
  const signals = createSignals();
  const runs: Runs = { begunAt: new Map(), outcomes: new Map() };
  const context: WorkerContext = { ports, runs, signals };
  return {
    onSettled: signals.settled.on,
    onMissedPush: signals.missedPush.on,
    onRefreshed: signals.refreshed.on,
    onPass: signals.passed.on,
    run: (snapshot, signal) => run(context, snapshot, signal),
    settle: (snapshot, error) => settle(context, snapshot, error),
    onFault: (error) =>
      ports.log.error(
        { event: "queue_not_written", err: error },
        "the queue could not be written; its requests are kept",
      ),
  };
}

async function run(context: WorkerContext, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { ports, runs } = context;
  const { subject } = snapshot;
  runs.begunAt.set(keyOf(subject), steadyNow());
  if (subject.kind === "app") return ports.lifecycle.reconcileApp();
  if (subject.kind === "installation") return ports.lifecycle.reconcileInstallation(subject.id);
  // The queue starts nothing without room, but for the single pass of a process that ends after the pass.
  ports.requireRoom(subject.kind === "publish" ? "publish" : "refresh");
  if (subject.kind === "publish") return ports.publish(snapshot.request, signal);
  return refresh(context, snapshot, signal);
}

async function refresh(context: WorkerContext, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { ports, runs, signals } = context;
  const { subject, request } = snapshot;
  const before = ports.registry.get(subject.id);
  const outcome = await ports.syncer.refresh(request, signal);
  runs.outcomes.set(keyOf(subject), outcome);
  const waits = notYetOf(outcome);
  if (!waits) count(context, snapshot, outcome.result);
  if (before && wasMissed(before, request, outcome))
    signals.missedPush.emit(subject.id, nameOf(ports, subject.id), durationOf(context, snapshot));
  const details = { ...about(context, snapshot), ...summarize(outcome) };
  if (waits) {
    const { code, message: reason } = waits;
    const retryInMs = whatIsLeft(outcome, request)?.dueInMs;
    ports.log.info({ event: "refresh_deferred", ...details, code, reason, retryInMs }, "refresh deferred");
  } else ports.log.info({ event: "refreshed", ...details }, "refreshed");
  logRefused(context, snapshot, outcome);
}

function logRefused(context: WorkerContext, snapshot: Snapshot, { refused }: RefreshOutcome): void {
  if (refused.length === 0) return;
  const details = { ...about(context, snapshot), refused: refused.length };
  context.ports.log.warn(
    { event: "refs_refused", ...details, refs: refused.slice(0, LOGGED_REFS) },
    "refs were left out of the mirror, because git or the disk refuses to write them",
  );
}

/** Records the outcome of a run, and notifies subscribers that wait for it. */
function settle(context: WorkerContext, snapshot: Snapshot, error: RefreshError | null): void {
  const { ports, runs, signals } = context;
  const { subject } = snapshot;
  const key = keyOf(subject);
  // A power cut may undo the end of a run that succeeded: it has stored what it changed, and is only done again. A wait
  // that GitHub asked for must not be lost.
  const store = error ? ports.store.transaction : ports.store.unsynced;
  const retryInMs = store(() => {
    recordRefresh(context, snapshot, error);
    if (error) return recordFailure(ports, snapshot, error);
    recordSuccess(ports, snapshot, runs.outcomes.get(key) ?? null);
    return null;
  });
  const waits = error ? null : notYetOf(runs.outcomes.get(key) ?? null);
  if (subject.kind === "app") signals.passed.emit(error, durationOf(context, snapshot));
  if (error) logFailure(context, snapshot, error, retryInMs);
  if (error && subject.kind === "repository") countFailure(context, snapshot, error);
  runs.begunAt.delete(key);
  runs.outcomes.delete(key);
  // A run that was put back goes on later, so whoever waits for its subject waits on.
  if (error?.retry.kind === "slot") return;
  // The notification comes after the runner has removed the run, so subscribers see it neither queued nor
  // running.
  setImmediate(() => signals.settled.emit({ key, error: error ?? waits }));
}

/** Ends the request, but for what GitHub's answers do not show yet. */
function recordSuccess(ports: WorkerPorts, snapshot: Snapshot, outcome: RefreshOutcome | null): void {
  const { queue, deliveries } = ports;
  const { subject, generation, request } = snapshot;
  const left = outcome && whatIsLeft(outcome, request);
  if (!left) {
    queue.succeed(snapshot);
    deliveries.settle(subject, generation, []);
    return;
  }
  queue.keep(snapshot, left);
  // While refs are too many to name, no delivery is known to be covered.
  if (outcome.compareInMs === null) deliveries.settle(subject, generation, left.refs);
}

/** Counts a mirror that caught up with a push, with the time that this took. */
function count(context: WorkerContext, snapshot: Snapshot, result: string): void {
  const { trigger, armedAt } = snapshot.request;
  const lagMs = trigger === "push" ? ageOf(armedAt, Date.now()) : null;
  context.signals.refreshed.emit(trigger, result, durationOf(context, snapshot) / 1000, lagMs);
}

function countFailure(context: WorkerContext, snapshot: Snapshot, { code }: RefreshError): void {
  context.signals.refreshed.emit(snapshot.request.trigger, code, durationOf(context, snapshot) / 1000, null);
}

/** Adds the refresh to the repository's history. */
function recordRefresh(context: WorkerContext, snapshot: Snapshot, error: RefreshError | null): void {
  const { subject, request } = snapshot;
  const outcome = context.runs.outcomes.get(keyOf(subject));
  if (subject.kind !== "repository" || (error ? error.is("postponed") : !outcome)) return;
  if (!error && notYetOf(outcome ?? null)) return;
  const { trigger, attempt, armedAt } = request;
  const endedAt = Date.now();
  context.ports.refreshes.add(subject.id, {
    endedAt,
    durationMs: durationOf(context, snapshot),
    lagMs: ageOf(armedAt, Date.now()),
    trigger,
    attempt,
    ...(error || !outcome
      ? { result: error?.code ?? "internal", reason: error?.message ?? null, way: "none", changed: 0 }
      : { result: outcome.result, reason: null, way: outcome.way, changed: outcome.changes.length }),
  });
}

/**
 * @returns the delay until the request runs again, in milliseconds; null when it does not run again on its
 * own
 */
function recordFailure(ports: WorkerPorts, snapshot: Snapshot, error: RefreshError): number | null {
  const { subject, request } = snapshot;
  if (isOfRepository(subject)) {
    if (error.code === "suspended") {
      if (ports.registry.managed(subject.id)) ports.registry.setState(subject.id, "suspended");
    } else if (!error.is("postponed")) {
      ports.registry.recordFailure(subject.id, error, request.attempt);
    }
  }
  return ports.queue.fail(snapshot, error);
}

function logFailure(
  context: WorkerContext,
  snapshot: Snapshot,
  error: RefreshError,
  retryInMs: number | null,
): void {
  const { log } = context.ports;
  const { code, message, hint } = error;
  const details = { ...about(context, snapshot), code, reason: message, retryInMs };
  const failed =
    snapshot.subject.kind === "publish"
      ? ({ event: "publish_failed" } as const)
      : ({ event: "refresh_failed" } as const);
  const text = failed.event.replace("_", " ");
  if (error.is("postponed")) log.info({ event: "refresh_deferred", ...details }, "refresh deferred");
  else if (code === "internal") log.error({ ...failed, ...details, hint, err: error.cause ?? error }, text);
  else log.warn({ ...failed, ...details, hint }, text);
}

/** A failed publish is a failure of its repository, which is not what GitHub has. */
const isOfRepository = ({ kind }: Subject): boolean => kind === "repository" || kind === "publish";

/** The fields of every log line about a run: subject, reason and duration so far. */
function about(context: WorkerContext, snapshot: Snapshot): object {
  const { subject, request } = snapshot;
  const { trigger, deliveryId, attempt, armedAt } = request;
  return {
    ...(isOfRepository(subject)
      ? { repository: nameOf(context.ports, subject.id) }
      : { subject: keyOf(subject) }),
    trigger,
    ...(deliveryId ? { deliveryId } : {}),
    ...(attempt > 1 ? { attempt } : {}),
    durationMs: durationOf(context, snapshot),
    lagMs: ageOf(armedAt, Date.now()),
  };
}

/** Returns how long the run has lasted, in milliseconds; 0 for a run that never began. */
function durationOf({ runs }: WorkerContext, { subject }: Snapshot): number {
  const begunAt = runs.begunAt.get(keyOf(subject));
  return begunAt === undefined ? 0 : steadyNow() - begunAt;
}

const nameOf = ({ registry }: WorkerPorts, id: number): string => fullNameOrId(registry.get(id), id);

/** Whether a repository that should have been in step, by its deliveries, was not. */
function wasMissed(before: ManagedRepository, request: RefreshRequest, outcome: RefreshOutcome): boolean {
  const isBackstop = request.trigger === "backstop" && request.deliveryId === null;
  // GitHub does not promise a delivery for a push to a wiki.
  if (!isBackstop || isWiki(before.id) || before.state !== "fresh" || outcome.way !== "full") return false;
  const pushedSinceStart = before.pushedAt * 1000 > STARTED_AT;
  const heads = outcome.changes.filter(({ ref }) => ref.startsWith("refs/heads/")).length;
  const tags = outcome.changes.filter(({ ref }) => ref.startsWith("refs/tags/")).length;
  return pushedSinceStart && (heads > 0 || (tags > 0 && tags <= MAX_TAGS_WITH_DELIVERY));
}

function summarize({ result, way, changes, open }: RefreshOutcome): object {
  const refs = changes.slice(0, LOGGED_REFS).map(({ ref, after }) => `${ref}@${after.slice(0, 12)}`);
  const behind = open.slice(0, LOGGED_REFS).map(({ ref }) => ref);
  return { result, way, changed: changes.length, refs, ...(behind.length > 0 && { behind }) };
}
