import type { Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { settleWithin } from "../../base/within.js";
import type { Seal } from "../seal.js";
import { type HandedOver, type JobData, readJob } from "./job.js";
import { LATER_JOB_RETRY_MS } from "./later-jobs.js";
import { queueOf } from "./sender.js";

interface Ports {
  /** A connection whose commands wait for Redis. It is the caller's. */
  redis: Redis;
  prefix: string;
  seal: Seal;
  node: string;
  /** Puts a delivery on disk, or passes it on. A call that throws is repeated until one does not. */
  take(handed: HandedOver): void | Promise<void>;
  /** Called for each job that a later version of this program has written. */
  onLater(): void;
  /** How long until a job that this version cannot read is tried again, in milliseconds. Default: a minute. */
  unreadableMs?: number;
}

export interface TakerState {
  taken: number;
  /** Jobs that no node of this cluster has written; nothing was done for them. */
  forged: number;
  /** Jobs of a later version, which wait until this node is upgraded. */
  newer: number;
}

/** Takes what other nodes hand over to this one. */
export interface Taker {
  state(): TakerState;
  /** Ends after the jobs that are being taken, unless they take too long. Never throws. */
  close(): Promise<void>;
}

/** A worker that was killed loses its jobs to the next one after this long, in milliseconds. */
const LOCK_MS = 10_000;
const STALLED_MS = 5_000;
/** BullMQ gives a job up after so many deaths of its worker; a delivery is never given up. */
const MAX_STALLED = 1_000_000_000;
const RECONNECT_MS = 500;
/** How long jobs that are being taken may go on at the end, in milliseconds. */
const CLOSE_MS = 3_000;
/** So many jobs are taken at a time: a round trip to Redis for each of them, and a sync of the disk. */
const TOGETHER = 4;

/** Loads BullMQ, and begins. */
export async function startTaker(ports: Ports): Promise<Taker> {
  const { DelayedError, Worker } = await import("bullmq");
  const { redis, prefix, seal, node, take, onLater, unreadableMs = LATER_JOB_RETRY_MS } = ports;
  const state: TakerState = { taken: 0, forged: 0, newer: 0 };

  async function run(job: Job<JobData>, token?: string): Promise<void> {
    const handed = read(seal, job.data);
    if (handed === "forged") {
      state.forged++;
      return;
    }
    if (handed === "newer") {
      state.newer++;
      onLater();
      await job.moveToDelayed(Date.now() + unreadableMs, token);
      throw new DelayedError();
    }
    await take(handed);
    state.taken++;
  }

  const worker: Worker<JobData> = new Worker<JobData>(queueOf(node), run, {
    connection: redis,
    prefix,
    concurrency: TOGETHER,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: MAX_STALLED,
    runRetryDelay: RECONNECT_MS,
  });
  worker.on("error", () => {});
  return {
    state: () => ({ ...state }),
    async close() {
      // With Redis away BullMQ waits for it. What was not completed there is taken once more, which does no harm.
      await settleWithin(CLOSE_MS, worker.close()).catch(() => {
        worker.disconnect().catch(() => {});
      });
    },
  };
}

/** A text that is signed and makes no sense is as good as forged: nobody can act on it. */
function read(seal: Seal, data: JobData): HandedOver | "forged" | "newer" {
  try {
    return readJob(seal, data);
  } catch {
    return "forged";
  }
}
