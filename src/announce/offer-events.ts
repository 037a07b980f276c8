import { backoffMs } from "../base/backoff.js";
import { ageOf } from "../base/clock.js";
import { NotAccepted } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Backlog, Position } from "./backlog.js";
import type { Consumer } from "./consumer.js";
import type { Outbox } from "./outbox.js";
import { notYetSuperseded, quietOf, type Tellers } from "./tellers.js";

interface OfferPorts {
  consumer: Consumer;
  outbox: Pick<Outbox, "get" | "after">;
  backlog: Pick<Backlog, "position" | "markAccepted" | "markPartAccepted" | "failed" | "postpone">;
  /** Null: this Lockstep is alone. */
  tellers: Tellers | null;
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
  const { consumer, outbox, backlog, now } = ports;
  for (;;) {
    const at = isStopped() ? null : backlog.position(consumer.key, repositoryId);
    if (!at) return;
    const event = outbox.get(at.eventId);
    if (!event || (await isToldElsewhere(ports, event))) backlog.markAccepted(consumer.key, at);
    else if (isOfAnother(ports, event) && quietOf(event, now()).isQuiet)
      return backlog.postpone(consumer.key, at, now() + quietOf(event, now()).waitMs);
    else if (!(await offer(ports, event, at, signal))) return;
  }
}

/** Whether another node is to announce the event. */
const isOfAnother = ({ consumer, tellers }: OfferPorts, { repository }: Announcement): boolean =>
  consumer.isShared && tellers !== null && !tellers.isTeller(repository.id);

/** Whether another node was to announce the event, and did. */
async function isToldElsewhere(ports: OfferPorts, event: Announcement): Promise<boolean> {
  const { consumer, outbox, tellers, log, now } = ports;
  if (!tellers || !isOfAnother(ports, event) || !quietOf(event, now()).isToAsk) return false;
  const states = notYetSuperseded(outbox, event);
  const ageMs = ageOf(Date.parse(event.at), now());
  const question = { consumer: consumer.key, repositoryId: event.repository.id, states, ageMs };
  const isTold = states.length === 0 || (await tellers.hasTold(question));
  const about = { consumer: consumer.shown, eventId: event.id, repository: fullName(event.repository) };
  if (isTold) log.debug({ event: "event_told_elsewhere", ...about }, "another node has delivered the event");
  return isTold;
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
