import { backoffMs } from "../base/backoff.js";
import { NotTaken } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Backlog, Position } from "./backlog.js";
import type { Outbox } from "./outbox.js";

/** Who is told of events, repository by repository in order. */
export interface Consumer {
  /** Its name in the store, which stays the same as long as it is the same consumer. */
  key: string;
  /** Its name for people: no credentials. */
  shown: string;
  /** Repositories at a time. */
  atATime: number;
  /** Into how many calls an event is divided; each is repeated by itself. */
  parts(event: Announcement): number;
  /** @throws NotTaken */
  deliver(event: Announcement, part: number, signal: AbortSignal): Promise<void>;
}

interface Tools {
  outbox: Outbox;
  backlog: Backlog;
  log: Log;
  now(): number;
}

export interface Dispatcher {
  consumer: Consumer;
  /** There may be something new. */
  wake(): void;
  /** Starts nothing more; waits for what runs, ends it after `ms`. What was not taken stays on disk. */
  stop(ms: number): Promise<void>;
}

/** How often the backlog is looked at even when nobody rang. */
const LOOK_AGAIN_MS = 30_000;
/** When the store cannot be read or written. */
const FAULT_MS = 1_000;

/** Brings one consumer what it has not taken yet; nobody else waits for it. */
export function createDispatcher({ outbox, backlog, log, now }: Tools, consumer: Consumer): Dispatcher {
  const { key, shown } = consumer;
  const running = new Map<number, Promise<void>>();
  const abort = new AbortController();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  /** Everything a repository has for it, until it is done or something is not taken. */
  async function run(repositoryId: number): Promise<void> {
    for (;;) {
      const at = stopped ? null : backlog.position(key, repositoryId);
      if (!at) return;
      const event = outbox.get(at.eventId);
      if (!event) backlog.took(key, at);
      else if (!(await offer(event, at))) return;
    }
  }

  async function offer(event: Announcement, at: Position): Promise<boolean> {
    const about = { consumer: shown, event: event.id, repository: fullName(event.repository), part: at.part };
    try {
      await consumer.deliver(event, at.part, abort.signal);
    } catch (error) {
      // Nothing is said against a consumer that was cut off.
      if (!abort.signal.aborted) put(at, error, about);
      return false;
    }
    if (at.part + 1 < consumer.parts(event)) backlog.tookPart(key, at);
    else backlog.took(key, at);
    log.debug(about, "event taken");
    return true;
  }

  function put(at: Position, error: unknown, about: object): void {
    const reason = error instanceof Error ? error.message : String(error);
    const asked = error instanceof NotTaken ? (error.retryAfterMs ?? 0) : 0;
    const retryInMs = Math.max(asked, backoffMs(at.attempt + 1));
    backlog.failed(key, at, now() + retryInMs, reason);
    log.warn({ ...about, attempt: at.attempt + 1, reason, retryInMs }, "event not taken");
  }

  function start(repositoryId: number): void {
    const done = run(repositoryId)
      .catch((error: unknown) => {
        log.error({ consumer: shown, err: error }, "the outbox cannot be read or written");
        return new Promise<void>((resolve) => setTimeout(resolve, FAULT_MS));
      })
      .finally(() => {
        running.delete(repositoryId);
        pump();
      });
    running.set(repositoryId, done);
  }

  function pump(): void {
    if (stopped) return;
    clearTimeout(timer);
    let nextAt: number | null = null;
    try {
      const busy = new Set(running.keys());
      const free = consumer.atATime - running.size;
      if (free > 0) for (const id of backlog.due(key, free, busy)) start(id);
      if (running.size < consumer.atATime) nextAt = backlog.nextDueAt(key, new Set(running.keys()));
    } catch (error) {
      log.error({ consumer: shown, err: error }, "the outbox cannot be read");
      nextAt = now() + FAULT_MS;
    }
    const waitMs = nextAt === null ? LOOK_AGAIN_MS : Math.min(LOOK_AGAIN_MS, Math.max(10, nextAt - now()));
    timer = setTimeout(pump, waitMs);
  }

  return {
    consumer,
    wake() {
      if (stopped) return;
      clearTimeout(timer);
      timer = setTimeout(pump, 0);
    },
    async stop(ms) {
      stopped = true;
      clearTimeout(timer);
      const end = setTimeout(() => abort.abort(), ms);
      await Promise.all(running.values());
      clearTimeout(end);
    },
  };
}
