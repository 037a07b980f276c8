import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { settleWithin } from "../../base/within.js";
import type { Seal } from "../seal.js";
import { type HandedOver, type JobData, writeJob } from "./job.js";
import { leftOutKeyOf, writeLeftOut } from "./left-out.js";

/** BullMQ's name of a node's queue of deliveries. */
export const queueOf = (node: string): string => `deliveries-${node}`;

interface Ports {
  /** A connection whose commands fail soon. It is the caller's. */
  redis: Redis;
  prefix: string;
  seal: Seal;
  /** Returns the newest form of jobs that all nodes read. */
  format(): number;
  /** How many jobs may wait for one node. */
  queueMax: number;
  /** How long an add may take, in milliseconds. Default: a second. */
  timeoutMs?: number;
}

export interface Sender {
  /**
   * Adds a delivery to a node's queue.
   * @returns `full`: too many wait there, and it was not added
   * @throws when Redis has not confirmed in time; the job may be there all the same, which does no harm
   */
  send(node: string, handed: HandedOver): Promise<"sent" | "full">;
  /** Never throws. */
  close(): Promise<void>;
}

/** Lengths of queues are read this often, in milliseconds; meanwhile a queue may grow beyond its limit. */
const COUNT_MS = 1_000;
/** A job is tried until the owner's database takes it. */
const ATTEMPTS = 1_000_000;
const RETRY_MS = 1_000;

interface Target {
  queue: Queue<JobData>;
  waiting: number;
  countedAt: number;
  /** Whether something was left out since the node was last told of that. */
  hasLeftOut: boolean;
  /** Fires when the node may be told again. */
  leftOutTimer: NodeJS.Timeout | undefined;
}

/** Loads BullMQ. */
export async function createSender({
  redis,
  prefix,
  seal,
  format,
  queueMax,
  timeoutMs = 1_000,
}: Ports): Promise<Sender> {
  const { Queue } = await import("bullmq");
  const targets = new Map<string, Target>();

  function targetOf(node: string): Target {
    const known = targets.get(node);
    if (known) return known;
    const queue = new Queue<JobData>(queueOf(node), {
      connection: redis,
      prefix,
      defaultJobOptions: {
        attempts: ATTEMPTS,
        backoff: { type: "fixed", delay: RETRY_MS },
        // A job that stays would keep its delivery from being added again.
        removeOnComplete: true,
        removeOnFail: true,
      },
    });
    queue.on("error", () => {});
    // BullMQ asks Redis once when it opens a queue, and a failure of that is the answer to every later call.
    queue.waitUntilReady().catch(() => {
      if (targets.get(node)?.queue === queue) targets.delete(node);
      // It leaves its listeners at the connection until then.
      queue.close().catch(() => {});
    });
    const target = {
      queue,
      waiting: 0,
      countedAt: Number.NEGATIVE_INFINITY,
      hasLeftOut: false,
      leftOutTimer: undefined,
    };
    targets.set(node, target);
    return target;
  }

  /** Reads the length of a queue beside what is added. */
  function count(target: Target): void {
    const now = performance.now();
    if (now - target.countedAt < COUNT_MS) return;
    target.countedAt = now;
    target.queue.getWaitingCount().then(
      (waiting) => {
        target.waiting = waiting;
      },
      () => {},
    );
  }

  /**
   * Has the node read GitHub's log when it is back. Redis that is lost meanwhile loses its queue, too. What is left out within
   * COUNT_MS is told together at its end, since the node may have heard of the first alone.
   */
  function leaveOut(node: string, target: Target): void {
    target.hasLeftOut = true;
    if (target.leftOutTimer === undefined) tellLeftOut(node, target);
  }

  function tellLeftOut(node: string, target: Target): void {
    target.leftOutTimer = undefined;
    if (!target.hasLeftOut) return;
    target.hasLeftOut = false;
    target.leftOutTimer = setTimeout(tellLeftOut, COUNT_MS, node, target).unref();
    redis.set(leftOutKeyOf(prefix, node), writeLeftOut(seal, node, Date.now())).catch(() => {
      target.hasLeftOut = true;
    });
  }

  return {
    async send(node, handed) {
      const target = targetOf(node);
      count(target);
      if (target.waiting >= queueMax) {
        leaveOut(node, target);
        return "full";
      }
      const { id, event } = handed.delivery;
      const adding = target.queue.add(event, writeJob(seal, handed, format()), { jobId: `d-${id}` });
      // Before the first connection an add waits for as long as it takes, whatever the connection's options say.
      await settleWithin(timeoutMs, adding);
      return "sent";
    },
    async close() {
      for (const { leftOutTimer } of targets.values()) clearTimeout(leftOutTimer);
      await Promise.allSettled(
        [...targets.values()].map(({ queue }) => settleWithin(timeoutMs, queue.close())),
      );
    },
  };
}
