import { fullName } from "../base/names.js";
import type { RequestDecision } from "../deliveries/decisions.js";
import type { Answer } from "./answer.js";
import type { DeliveryHeaders } from "./delivery.js";
import type { Refusal } from "./refusals.js";

export type Outcome =
  | { kind: "accepted" | "done" | "passed"; decision: RequestDecision }
  /** `isHandled`: Lockstep handles events of that name, and this one asks for nothing. */
  | { kind: "ignored"; reason: string; isHandled: boolean }
  | Refusal;

/** The methods of pino that are used. */
export interface ReceiverLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** @param id the delivery's id; undefined when the request was refused before its headers were read */
export function toAnswer(outcome: Outcome, id?: string): Answer {
  if (outcome.kind === "ignored") return { status: 204 };
  if (outcome.kind !== "refused") return { status: 202, body: { delivery: id ?? "" } };
  const { status, error, hint, retryAfter } = outcome;
  return { status, body: { error, hint }, ...(retryAfter !== undefined && { retryAfter }) };
}

/** Logs one line per outcome. Unverified values are logged only where their form was checked. */
export function report(
  log: ReceiverLog,
  outcome: Outcome,
  address: string,
  headers?: Pick<DeliveryHeaders, "id" | "event">,
): void {
  const about = {
    ...(headers && { deliveryId: headers.id, githubEvent: headers.event }),
    outcome: outcome.kind,
  };
  if (outcome.kind === "ignored") {
    const level = outcome.isHandled ? "info" : "debug";
    log[level]({ event: "delivery_ignored", ...about, reason: outcome.reason }, "delivery ignored");
  } else if (outcome.kind === "passed") {
    log.info(
      { event: "delivery_passed", ...about, ...subjectOf(outcome.decision) },
      "delivery passed to another node",
    );
  } else if (outcome.kind !== "refused") {
    log.info(
      { event: "delivery_stored", ...about, ...subjectOf(outcome.decision) },
      `delivery ${outcome.kind}`,
    );
  } else {
    const { reason, status, cause } = outcome;
    const fields = { ...about, reason, status, address };
    if (cause === undefined) log.warn({ event: "delivery_refused", ...fields }, "delivery refused");
    else log.error({ event: "delivery_not_stored", ...fields, err: cause }, "delivery not stored");
  }
}

function subjectOf({ repository, repositoryId, installationId }: RequestDecision): object {
  const named = repository && { repository: fullName(repository) };
  return { ...named, repositoryId, installationId };
}
