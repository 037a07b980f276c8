import { randomUUID } from "node:crypto";
import { createPostAgent } from "../announce/post.js";
import { backoffMs } from "../base/backoff.js";
import { waitUntil } from "../base/clock.js";
import { NotAccepted } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { AlertSettings } from "../config/alerts.js";
import type { Facts } from "../store/facts.js";
import type { Condition } from "./condition.js";
import { type AlertState, INITIAL, type Message, observe } from "./decide.js";
import { isQuiet } from "./quiet.js";
import { createSend } from "./send.js";

interface Ports {
  facts: Facts;
  condition(): Condition;
  /** Milliseconds since 1970, by a clock that only goes forward. */
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

export interface Notifier {
  start(): void;
  stop(): Promise<void>;
}

const FACT = "alerts";
const LONGEST_CHECK_MS = 30_000;
const SHORTEST_CHECK_MS = 1_000;
/** Retry-After counts for at most an hour. */
const LONGEST_WAIT_MS = 3_600_000;

/** Tells a webhook how things stand, as soon as they have stood so for a while. At most one message waits. */
export function createNotifier(settings: AlertSettings, ports: Ports): Notifier {
  const { facts, log, now } = ports;
  const { url, delayMs, quiet } = settings;
  const agent = createPostAgent();
  const send = createSend(url, agent);
  const stopping = new AbortController();
  const checkMs = Math.min(LONGEST_CHECK_MS, Math.max(SHORTEST_CHECK_MS, delayMs / 4));
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  const stateNow = (): AlertState => facts.get<AlertState>(FACT) ?? INITIAL;

  async function check(): Promise<void> {
    const before = stateNow();
    const after = observe(before, ports.condition(), { now: now(), delayMs, newId: randomUUID });
    if (after !== before) facts.set(FACT, after);
    const { message } = after;
    if (message && !isQuiet(quiet, Date.now()) && waitUntil(message.dueAt, now(), LONGEST_WAIT_MS) === 0)
      await offer(message);
  }

  async function offer(message: Message): Promise<void> {
    try {
      await send(message, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) postpone(message, error);
      return;
    }
    facts.set(FACT, { ...stateNow(), message: null });
    log.info({ event: "alert_sent", id: message.id }, "an alert was sent");
  }

  function postpone(message: Message, error: unknown): void {
    const attempt = message.attempt + 1;
    const wantedMs = error instanceof NotAccepted ? (error.retryAfterMs ?? 0) : 0;
    const retryInMs = Math.max(wantedMs, backoffMs(attempt));
    facts.set(FACT, { ...stateNow(), message: { ...message, attempt, dueAt: now() + retryInMs } });
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ event: "alert_not_sent", attempt, reason, retryInMs }, "an alert was not accepted");
  }

  function checkSoon(): void {
    timer = setTimeout(() => {
      running = check()
        .catch((error: unknown) =>
          log.warn({ event: "alert_not_sent", err: error }, "alerts could not be checked"),
        )
        .finally(() => {
          if (!stopping.signal.aborted) checkSoon();
        });
    }, checkMs).unref();
  }

  return {
    start: checkSoon,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
      await agent.destroy();
    },
  };
}
