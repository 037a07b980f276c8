import type { Log } from "../base/log.js";
import type { Backlog } from "./backlog.js";
import type { Consumer } from "./consumer.js";
import { offerEvents } from "./offer-events.js";
import type { Outbox } from "./outbox.js";
import type { Tellers } from "./tellers.js";

interface Tools {
  outbox: Outbox;
  backlog: Backlog;
  /** Null: this Lockstep is alone. */
  tellers: Tellers | null;
  log: Log;
  now(): number;
}

export interface Dispatcher {
  consumer: Consumer;
  /** Reports that the backlog may have new events. */
  wake(): void;
  /**
   * Starts no further delivery, waits for running ones, and stops them after `ms`. What was not accepted
   * stays on disk.
   */
  stop(ms: number): Promise<void>;
}

/** The backlog is read at this interval even when no notification came. */
const POLL_MS = 30_000;
/** The dispatcher waits this long when the store cannot be read or written. */
const FAULT_MS = 1_000;

interface Dispatch extends Tools {
  consumer: Consumer;
  /** Deliveries that are running, by repository. */
  running: Map<number, Promise<void>>;
  abort: AbortController;
  stopped: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Delivers to one consumer what it has not accepted yet; no other consumer waits for it. */
export function createDispatcher(tools: Tools, consumer: Consumer): Dispatcher {
  const dispatch: Dispatch = {
    ...tools,
    consumer,
    running: new Map(),
    abort: new AbortController(),
    stopped: false,
    timer: undefined,
  };
  return {
    consumer,
    wake() {
      if (!dispatch.stopped) pumpIn(dispatch, 0);
    },
    stop: (ms) => stop(dispatch, ms),
  };
}

function pumpIn(dispatch: Dispatch, waitMs: number): void {
  clearTimeout(dispatch.timer);
  dispatch.timer = setTimeout(() => pump(dispatch), waitMs);
}

/** Starts deliveries that are due while slots are free, and schedules the next run. */
function pump(dispatch: Dispatch): void {
  if (dispatch.stopped) return;
  const { log, consumer } = dispatch;
  let nextInMs: number | null;
  try {
    nextInMs = startDue(dispatch);
  } catch (error) {
    log.error(
      { event: "outbox_unavailable", consumer: consumer.shown, err: error },
      "the outbox is unavailable",
    );
    nextInMs = FAULT_MS;
  }
  pumpIn(dispatch, nextInMs === null ? POLL_MS : Math.min(POLL_MS, Math.max(10, nextInMs)));
}

/** @returns in how many milliseconds the next repository is due; null when none is due or no slot is free */
function startDue(dispatch: Dispatch): number | null {
  const { backlog, consumer, running } = dispatch;
  const { key, atATime } = consumer;
  const free = atATime - running.size;
  if (free > 0)
    for (const id of backlog.due(key, free, new Set(running.keys()))) startRepository(dispatch, id);
  return running.size < atATime ? backlog.nextDueIn(key, new Set(running.keys())) : null;
}

function startRepository(dispatch: Dispatch, repositoryId: number): void {
  const { running, abort, log, consumer } = dispatch;
  const options = { signal: abort.signal, isStopped: () => dispatch.stopped };
  const done = offerEvents(dispatch, repositoryId, options)
    .catch((error: unknown) => {
      log.error(
        { event: "outbox_unavailable", consumer: consumer.shown, err: error },
        "the outbox is unavailable",
      );
      return new Promise<void>((resolve) => setTimeout(resolve, FAULT_MS));
    })
    .finally(() => {
      running.delete(repositoryId);
      pump(dispatch);
    });
  running.set(repositoryId, done);
}

async function stop(dispatch: Dispatch, ms: number): Promise<void> {
  dispatch.stopped = true;
  clearTimeout(dispatch.timer);
  const end = setTimeout(() => dispatch.abort.abort(), ms);
  await Promise.all(dispatch.running.values());
  clearTimeout(end);
}
