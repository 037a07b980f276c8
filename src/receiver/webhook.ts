import type { IncomingMessage, ServerResponse } from "node:http";
import { MAX_PAYLOAD_BYTES } from "../base/github-facts.js";
import { parseJson } from "../base/large-json.js";
import type { Config } from "../config/load.js";
import type { RequestDecision } from "../deliveries/decisions.js";
import { eventNamed, toIntent } from "../deliveries/events.js";
import type { DeliveryRecord } from "../deliveries/log.js";
import { aboutOf, actionOf, USED_FIELDS } from "../deliveries/payload.js";
import { clientAddress } from "../http/client-address.js";
import { createRateLimit } from "../http/rate-limit.js";
import { send } from "./answer.js";
import { type BodyFailure, createBodyReader } from "./body.js";
import { type DeliveryHeaders, type RawDelivery, readHeaders } from "./delivery.js";
import { type Outcome, type ReceiverLog, report, toAnswer } from "./outcome.js";
import { isRefusal, REFUSALS, rateLimited } from "./refusals.js";
import { createVerifier } from "./signature.js";

export type { ReceiverLog } from "./outcome.js";

export type Accepted = "accepted" | "done" | "passed" | "elsewhere";

export interface ReceiverPorts {
  /**
   * Stores the delivery and its request in one transaction, or lets another node do so. Throws when that fails.
   * @returns "done" when the id was already refreshed, so nothing was requested; "passed": another node has it;
   * "elsewhere": another node passed it on, and this one does not own it either
   */
  accept(delivery: DeliveryRecord, decision: RequestDecision, raw: RawDelivery): Accepted | Promise<Accepted>;
  /** Records a delivery that requests nothing. Throws when that fails. */
  ignore(delivery: DeliveryRecord, reason: string): void | Promise<void>;
  /**
   * Opens a connection to GitHub, unless the repository has to wait; called as soon as a delivery is verified whose
   * event warms the connection.
   * Neither waits nor throws.
   */
  warm(decision: RequestDecision): void;
  stopping(): boolean;
}

export interface ReceiverOptions {
  config: Pick<
    Config,
    | "webhookSecrets"
    | "webhookPaths"
    | "repositories"
    | "refs"
    | "keepsWikis"
    | "trustedProxies"
    | "webhookRate"
    | "webhookBurst"
  >;
  ports: ReceiverPorts;
  log: ReceiverLog;
  /** @param event empty when the delivery was not verified */
  onOutcome?: (outcome: string, event: string) => void;
  onRefused?: (reason: string, address: string) => void;
  /** The time for a body to arrive, in milliseconds; GitHub itself waits 10 s for the answer. */
  bodyTimeoutMs?: number;
  /** The limit of the memory that all bodies hold at a time, in bytes. */
  maxBytesInFlight?: number;
  /** The current time, in milliseconds since 1970. */
  now?: () => number;
}

/**
 * Receives GitHub's webhooks: limit, verify, persist, answer. No step waits for git or GitHub.
 * @returns a handler; it resolves to true when it has answered, to false when the request is not a webhook
 * https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
 */
export function createReceiver(options: ReceiverOptions) {
  const { config, bodyTimeoutMs = 10_000, maxBytesInFlight = 256 * 2 ** 20 } = options;
  const addressOf = clientAddress(config.trustedProxies);
  const secondsToWait = createRateLimit(config.webhookRate, config.webhookBurst);
  const verify = createVerifier(config.webhookSecrets);
  const withBody = createBodyReader({
    maxBytes: MAX_PAYLOAD_BYTES,
    maxBytesInFlight,
    timeoutMs: bodyTimeoutMs,
  });

  const receive = (request: IncomingMessage, headers: DeliveryHeaders): Promise<Outcome | BodyFailure> => {
    const check = verify(headers.signature);
    return withBody<Outcome>(request, {
      onBytes: check.update,
      use: (read) => (check.matches() ? decide(options, headers, read()) : REFUSALS.bad_signature),
    });
  };

  const isWebhook = ({ url = "" }: IncomingMessage): boolean =>
    config.webhookSecrets.length > 0 && config.webhookPaths.includes(url.split("?", 1)[0]!);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (!isWebhook(request)) return false;
    const address = addressOf(request);
    const wait = await secondsToWait(address);
    if (wait === 0 && request.method !== "POST") return false;
    const headers = wait > 0 ? rateLimited(wait) : readHeaders(request);
    const known = isRefusal(headers) ? undefined : headers;
    const result = isRefusal(headers) ? headers : await receive(request, headers);
    if (result === "aborted") return true;
    const outcome = typeof result === "string" ? REFUSALS[result] : result;
    send(request, response, toAnswer(outcome, known?.id));
    report(options.log, outcome, address, known);
    const isRefused = outcome.kind === "refused";
    if (isRefused) options.onRefused?.(outcome.reason, address);
    options.onOutcome?.(isRefused ? outcome.reason : outcome.kind, isRefused ? "" : (known?.event ?? ""));
    return true;
  };
  return Object.assign(handle, {
    isSole: (request: IncomingMessage) => request.method === "POST" && isWebhook(request),
  });
}

/** Acts on a verified delivery; the result is on disk at the end. */
async function decide(options: ReceiverOptions, headers: DeliveryHeaders, body: Buffer): Promise<Outcome> {
  const { config, ports, now = Date.now } = options;
  const payload = await parseJson(body, { fields: USED_FIELDS, isForm: headers.mediaType === "form" });
  if (payload === undefined) return REFUSALS.malformed;
  if (ports.stopping()) return REFUSALS.stopping;
  const { id, event, hook } = headers;
  const via = "webhook" as const;
  const about = { ...aboutOf(payload), hook };
  const receivedAt = now();
  const delivery = { id, event, action: actionOf(payload), receivedAt, via, ...about };
  const { repositories, refs, keepsWikis: wikis } = config;
  const wanted = { repositories, refs, wikis };
  const decision = toIntent({ id, name: event, payload, receivedAt }, wanted);
  const handled = eventNamed(event);
  if (decision.kind === "request" && handled?.warmsConnection) ports.warm(decision);
  try {
    if (decision.kind !== "request") {
      await ports.ignore(delivery, decision.reason);
      return { ...decision, isHandled: handled !== null };
    }
    const kind = await ports.accept(delivery, decision, { headers, body });
    return kind === "elsewhere" ? REFUSALS.owned_elsewhere : { kind, decision };
  } catch (cause) {
    return { ...REFUSALS.cannot_persist, cause };
  }
}
