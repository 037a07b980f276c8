import { keyOf, type Subject } from "../base/model.js";
import type { WorkClass } from "./classes.js";
import type { Snapshot } from "./contract.js";
import { classOf, outOf, type Parts, putDue } from "./parts.js";
import { type QueueRow, snapshotOf } from "./rows.js";

export function startableClass(queue: Parts, subject: Subject): WorkClass | null {
  const row = queue.rows.startOf(keyOf(subject));
  if (!row || row.state === "running" || outOf(queue, row.class)) return null;
  return row.state === "ready" || (row.dueAt ?? 0) <= queue.now() ? row.class : null;
}

export function next(queue: Parts, workClass: WorkClass): Subject | null {
  const gate = outOf(queue, workClass);
  const prober = queue.startsAll ? null : chooseProber(queue, workClass, gate);
  if (prober || gate !== null) return prober;
  return queue.order.next(workClass)?.subject ?? null;
}

/**
 * Returns the subject that asks a server that is out once more: any ready row where all of the class wait, and
 * else only a row that waits for the server.
 */
function chooseProber(queue: Parts, workClass: WorkClass, gate: string | null): Subject | null {
  const { outages, order } = queue;
  const servers = gate === null ? outages.list().map(({ server }) => server) : [gate];
  for (const server of servers) {
    const probe = outages.dueProbe(server);
    const row = probe && order.prober(workClass, server, { last: probe.last, onlyMet: gate === null });
    if (!row) continue;
    queue.prober = { key: keyOf(row.subject), server };
    if (row.state === "waiting") putDue(queue, { ...row, dueAt: queue.now() }, queue.now());
    return row.subject;
  }
  return null;
}

export function begin(queue: Parts, subject: Subject): Snapshot | null {
  const key = keyOf(subject);
  const at = queue.now();
  const row = queue.rows.get(key);
  if (!row || row.state === "running" || (row.state === "waiting" && (row.dueAt ?? 0) > at)) return null;
  const workClass = classOf(queue, row);
  if (workClass !== row.class) {
    putDue(queue, { ...row, class: workClass }, at);
    return null;
  }
  const hold = queue.startsAll ? null : queue.held.on(row, at);
  if (hold) {
    queue.rows.put({ ...row, state: "waiting", dueAt: hold.until, heldBy: hold.key });
    return null;
  }
  const isProber = queue.prober?.key === key;
  if (outOf(queue, workClass) !== null && !isProber) {
    if (row.state === "waiting") putDue(queue, row, at);
    return null;
  }
  if (isProber && queue.prober) queue.outages.probing(queue.prober.server, key);
  queue.prober = null;
  return run(queue, row, at);
}

/** The run is counted before it begins: a repository that crashes the process backs off too. */
function run(queue: Parts, row: QueueRow, at: number): Snapshot {
  if (queue.order.started(row.class)) queue.turns.started(row, row.tag);
  const running: QueueRow = {
    ...row,
    state: "running",
    armedAt: null,
    dueAt: null,
    quietUntil: null,
    runningSince: at,
    begun: row.begun + 1,
    heldBy: null,
    met: null,
  };
  queue.rows.put(running);
  return snapshotOf(running, row.armedAt ?? queue.wallNow());
}
