import { backoffMs } from "../base/backoff.js";
import { NotAccepted } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Backlog, Position } from "./backlog.js";
import type { Consumer } from "./consumer.js";
import type { Outbox } from "./outbox.js";

interface OfferPorts {
  consumer: Consumer;
  outbox: Pick<Outbox, "get">;
  backlog: Pick<Backlog, "position" | "markAccepted" | "markPartAccepted" | "failed">;
  log: Pick<Log, "debug" | "warn">;
  now(): number;
}

interface OfferOptions {
  signal: AbortSignal;
  isStopped(): boolean;
}

/** Delivers all events of a repository to the consumer, until none is left or a delivery fails. */
export async function offerEvents(
  ports: OfferPorts,
  repositoryId: number,
  { signal, isStopped }: OfferOptions,
): Promise<void> {
  const { consumer, outbox, backlog } = ports;
  for (;;) {
    const at = isStopped() ? null : backlog.position(consumer.key, repositoryId);
    if (!at) return;
    const event = outbox.get(at.eventId);
    if (!event) backlog.markAccepted(consumer.key, at);
    else if (!(await offer(ports, event, at, signal))) return;
  }
}

/** @returns whether the consumer accepted its next part */
async function offer(
  ports: OfferPorts,
  event: Announcement,
  at: Position,
  signal: AbortSignal,
): Promise<boolean> {
  const { consumer, backlog, log } = ports;
  const about = {
    consumer: consumer.shown,
    eventId: event.id,
    repository: fullName(event.repository),
    part: at.part,
  };
  try {
    await consumer.deliver(event, at.part, signal);
  } catch (error) {
    // A delivery that a stop interrupted does not count as the consumer's failure.
    if (!signal.aborted) postpone(ports, at, error, about);
    return false;
  }
  if (at.part + 1 < consumer.parts(event)) backlog.markPartAccepted(consumer.key, at);
  else backlog.markAccepted(consumer.key, at);
  log.debug({ event: "event_delivered", ...about }, "event delivered");
  return true;
}

function postpone(
  { consumer, backlog, log, now }: OfferPorts,
  at: Position,
  error: unknown,
  about: object,
): void {
  const reason = error instanceof Error ? error.message : String(error);
  const wantedMs = error instanceof NotAccepted ? (error.retryAfterMs ?? 0) : 0;
  const retryInMs = Math.max(wantedMs, backoffMs(at.attempt + 1));
  backlog.failed(consumer.key, at, now() + retryInMs, reason);
  log.warn(
    { event: "event_delivery_failed", ...about, attempt: at.attempt + 1, reason, retryInMs },
    "event delivery failed",
  );
}
