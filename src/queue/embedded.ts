import { backoffMs } from "../base/backoff.js";
import { steadyNow } from "../base/clock.js";
import { keyOf, type Subject } from "../base/model.js";
import { serverOf } from "../base/resources.js";
import { type Arming, armedRow } from "./armed-rows.js";
import { WORK_CLASSES, type WorkClass } from "./classes.js";
import type { Left, RefreshQueue, Snapshot } from "./contract.js";
import { doneRow, failedRow, keptRow } from "./ended-runs.js";
import { createGenerations } from "./generations.js";
import { createHeldResources } from "./held-resources.js";
import { keepRows } from "./kept-rows.js";
import { createOrder } from "./order.js";
import { createOutages } from "./outages.js";
import { classOf, DISK, likelyClassOf, type Options, type Parts, putDue } from "./parts.js";
import { reopen } from "./reopening.js";
import { endQuiet, reportedIn } from "./reported.js";
import { createRows, entryOf, type QueueRow } from "./rows.js";
import { begin, next, startableClass } from "./starting.js";
import { createTurns } from "./turns.js";

/** So many rows become ready in one transaction, which takes some milliseconds. */
const PROMOTED_AT_ONCE = 200;

/**
 * The queue of one machine is a dirty set in SQLite. A crash loses nothing: after a restart a row is due at
 * its stored time.
 */
export function createEmbeddedQueue(options: Options): RefreshQueue {
  const { store } = options;
  const now = options.now ?? steadyNow;
  reopen(store, { now: now(), quietPeriodMs: options.quietPeriodMs, random: options.random });
  const queue: Parts = {
    ...options,
    now,
    wallNow: options.wallNow ?? Date.now,
    hasRoom: options.hasRoom ?? (() => true),
    isOnboarding: options.isOnboarding ?? options.needsClone,
    random: options.random,
    rows: keepRows(createRows(store), store),
    order: createOrder(store),
    turns: createTurns(store),
    held: createHeldResources(store, now()),
    outages: createOutages(now),
    released: new Set(),
    promotedAt: now(),
    startsAll: false,
    prober: null,
  };
  const nextGeneration = createGenerations(store);
  const count = store.prepare("SELECT count(*) AS n FROM dirty");
  const countWaiting = store.prepare(
    "SELECT class, count(*) AS n FROM dirty WHERE state <> 'running' GROUP BY class",
  );

  return {
    arm: (subject, intent, about = {}) =>
      store.transaction(() => {
        const generation = nextGeneration();
        arm(queue, { subject, intent, about, generation });
        return generation;
      }),
    startableClass: (subject) => startableClass(queue, subject),
    next: (workClass) => next(queue, workClass),
    // What a power cut undoes of a run's beginning and end is done again; only what is requested must not be lost.
    begin: (subject) => store.unsynced(() => begin(queue, subject)),
    succeed: (snapshot) => store.transaction(() => succeed(queue, snapshot)),
    keep: (snapshot, left) => store.transaction(() => keep(queue, snapshot, left)),
    fail: (snapshot, error) => store.transaction(() => fail(queue, snapshot, error)),
    reclaim: (subject) => store.unsynced(() => reclaim(queue, subject)),
    promote: () => promote(queue),
    nextDueIn: () => nextDueIn(queue),
    reached(resource) {
      if (queue.outages.reached(serverOf(resource))) queue.released.add(serverOf(resource));
    },
    roomFound() {
      queue.released.add(DISK);
    },
    neverWait() {
      queue.startsAll = true;
    },
    has: (subject) => queue.rows.has(keyOf(subject)),
    repositoriesIn: queue.rows.repositoriesIn,
    isPending: (subject) => queue.rows.get(keyOf(subject))?.isBehind === false,
    comparingMs(subject) {
      const row = queue.rows.get(keyOf(subject));
      if (row?.state !== "running" || row.fullGeneration === 0) return null;
      return Math.max(0, now() - (row.runningSince ?? now()));
    },
    reported: (subject) => reportedIn(queue, subject),
    endQuiet: (subject) => store.transaction(() => endQuiet(queue, subject)),
    list: (limit) => queue.order.list(limit).map((row) => entryOf(row, queue.wallNow() - now())),
    depth: () => Number(count.get()?.n),
    waiting() {
      const counts = new Map(countWaiting.all().map((row) => [String(row.class), Number(row.n)]));
      const entries = WORK_CLASSES.map((workClass) => [workClass, counts.get(workClass) ?? 0]);
      return Object.fromEntries(entries) as Record<WorkClass, number>;
    },
    oldestMs() {
      const at = queue.order.oldestAt();
      return at === null ? 0 : Math.max(0, queue.wallNow() - at);
    },
    held: () => queue.held.list(now()),
    outages: queue.outages.list,
    onOutage: queue.outages.onChange,
  };
}

function arm(
  queue: Parts,
  { subject, ...came }: Pick<Arming, "intent" | "about" | "generation"> & { subject: Subject },
) {
  const row = queue.rows.get(keyOf(subject));
  const installationId = came.about.installationId ?? row?.installationId ?? 0;
  const at = queue.now();
  const armed = armedRow(row, {
    ...came,
    subject,
    at,
    wallAt: queue.wallNow(),
    workClass: likelyClassOf(queue, subject, row),
    quietPeriodMs: queue.quietPeriodMs,
    hold: queue.startsAll ? null : queue.held.on({ subject, installationId }, at),
  });
  if (row?.state === "running") queue.rows.put({ ...armed, state: "running" });
  else if (row?.state === "ready" && isInSameLine(row, armed)) queue.rows.put(armed);
  else putDue(queue, armed, at);
}

const isInSameLine = (a: QueueRow, b: QueueRow): boolean =>
  a.class === b.class && a.priority === b.priority && b.heldBy === null;

function succeed(queue: Parts, { subject, generation }: { subject: Subject; generation: number }): void {
  const row = queue.rows.get(keyOf(subject));
  if (!row) return;
  if (row.generation === generation) {
    queue.rows.remove(keyOf(subject));
    return;
  }
  const left = doneRow(row, generation);
  putDue(queue, { ...left, class: classOf(queue, left) }, queue.now());
}

function keep(queue: Parts, snapshot: Snapshot, left: Left): void {
  const row = queue.rows.get(keyOf(snapshot.subject));
  if (!row) return;
  const at = queue.now();
  const kept = keptRow(row, { snapshot, left, at, wallAt: queue.wallNow() });
  putDue(queue, { ...kept, class: classOf(queue, kept) }, at);
}

const fail = (
  queue: Parts,
  snapshot: Parameters<RefreshQueue["fail"]>[0],
  error: Parameters<RefreshQueue["fail"]>[1],
) => {
  const row = queue.rows.get(keyOf(snapshot.subject));
  if (!row) return null;
  const at = queue.now();
  const failed = failedRow({ ...queue, release: (server) => queue.released.add(server) }, row, {
    snapshot,
    error,
    at,
  });
  if (!failed) {
    queue.rows.remove(keyOf(row.subject));
    return null;
  }
  putDue(queue, { ...failed, class: classOf(queue, failed) }, at);
  // A row that waits for a server becomes due when the server is asked next.
  const wait = failed.met === null ? null : queue.outages.list().find(({ server }) => server === failed.met);
  return Math.max(0, (wait ? (wait.nextProbeAt ?? at) : failed.dueAt) - at);
};

function reclaim(queue: Parts, subject: Subject): void {
  const row = queue.rows.get(keyOf(subject));
  if (row?.state !== "running") return;
  const at = queue.now();
  const dueAt = at + backoffMs(row.begun, queue.random);
  putDue(queue, { ...row, runningSince: null, armedAt: row.armedAt ?? queue.wallNow(), dueAt }, at);
}

function promote(queue: Parts): boolean {
  const at = queue.now();
  queue.promotedAt = at;
  const released = [...queue.released];
  const due = queue.order.due(at, PROMOTED_AT_ONCE);
  const answered = released.flatMap((server) => queue.order.released(server, PROMOTED_AT_ONCE));
  const promoted = [...due, ...answered].slice(0, PROMOTED_AT_ONCE);
  if (promoted.length === 0) {
    queue.released.clear();
    return false;
  }
  queue.store.unsynced(() => {
    for (const row of promoted) putDue(queue, { ...row, dueAt: Math.min(row.dueAt ?? at, at) }, at);
  });
  return promoted.length === PROMOTED_AT_ONCE || queue.released.size > 0;
}

function nextDueIn(queue: Parts): number | null {
  const dueAt = queue.order.nextDueAt();
  const due = dueAt === null ? [] : [Math.max(0, dueAt - queue.now())];
  const probe = queue.outages.nextProbeIn(queue.promotedAt);
  const waits = probe === null ? due : [...due, probe];
  return waits.length === 0 ? null : Math.min(...waits);
}
