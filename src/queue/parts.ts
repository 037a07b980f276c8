import type { Random } from "../base/backoff.js";
import type { Subject } from "../base/model.js";
import { serverOf } from "../base/resources.js";
import type { Store } from "../store/database.js";
import { classOfSubject, type WorkClass } from "./classes.js";
import type { HeldResources } from "./held-resources.js";
import type { Order } from "./order.js";
import type { Outages } from "./outages.js";
import type { QueueRow, Rows } from "./rows.js";
import type { Turns } from "./turns.js";

export interface Options {
  store: Store;
  quietPeriodMs: number;
  /** The host of git, such as github.com; while it is out, only probes run. */
  gitHost: string;
  /** Whether a repository has no mirror yet. */
  needsClone: (id: number) => boolean;
  /** Whether a repository has never had a mirror, as far as is known without a look at the disk. */
  isOnboarding?: (id: number) => boolean;
  /** Whether the disk has room for a class of work; without room, none of its rows starts. */
  hasRoom?: (workClass: WorkClass) => boolean;
  /** The steady clock, by which waits go; in milliseconds since 1970. */
  now?: () => number;
  /** The machine's clock, by which triggers are dated. */
  wallNow?: () => number;
  random?: Random;
}

/** What every operation of the queue works on. */
export interface Parts extends Required<Omit<Options, "random">> {
  random: Random | undefined;
  rows: Rows;
  order: Order;
  turns: Turns;
  held: HeldResources;
  outages: Outages;
  /** The rows that met these servers become ready, a few with each `promote`. */
  released: Set<string>;
  /** When `promote` last began, by the steady clock. What is due by then has its chance of a slot. */
  promotedAt: number;
  /** Whether every request starts at once. */
  startsAll: boolean;
  /** The row that was chosen to ask a server that is out. */
  prober: { key: string; server: string } | null;
}

/** Returns the server that every run of a class needs; null: there is none. */
function gateOf({ gitHost }: Parts, workClass: WorkClass): string | null {
  if (workClass === "publish") return null;
  return workClass === "list" ? "rest" : serverOf({ kind: "git", host: gitHost });
}

/** Stands for the disk among the servers that keep a class or a row from running; nothing probes it. */
export const DISK = "disk";

/** Returns the server that keeps a class from running, or the disk; null: the class runs. */
export function outOf(queue: Parts, workClass: WorkClass): string | null {
  if (queue.startsAll) return null;
  if (!queue.hasRoom(workClass)) return DISK;
  const server = gateOf(queue, workClass);
  return server !== null && queue.outages.isOut(server) ? server : null;
}

/** A guess at the class of a row that is armed, for which the disk is not asked: `begin` finds out. */
export function likelyClassOf(queue: Parts, subject: Subject, row: QueueRow | null): WorkClass {
  if (row?.isSlow) return "long";
  return row?.class === "short" ? "short" : classOfSubject(subject, queue.isOnboarding);
}

export const classOf = ({ needsClone }: Parts, row: Pick<QueueRow, "subject" | "isSlow">): WorkClass =>
  row.isSlow ? "long" : classOfSubject(row.subject, needsClone);

/** Stores a row that does not run: it is ready when its time has come. */
export function putDue(queue: Parts, row: QueueRow, at: number): void {
  if ((row.dueAt ?? at) > at) queue.rows.put({ ...row, state: "waiting" });
  else
    queue.rows.put({
      ...row,
      state: "ready",
      dueAt: row.dueAt ?? at,
      heldBy: null,
      met: null,
      tag: queue.turns.tagFor(row),
    });
}
