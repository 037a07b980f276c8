import type { IncomingMessage } from "node:http";
import { MAX_PAYLOAD_BYTES } from "../base/github-facts.js";
import { hookOf } from "../deliveries/hook.js";
import { REFUSALS, type Refusal } from "./refusals.js";

/**
 * The headers are documented at
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
 */
export interface DeliveryHeaders {
  id: string;
  event: string;
  signature: string;
  mediaType: "json" | "form";
  /** Which webhook sent it, as `hookOf` writes it. */
  hook?: string | undefined;
  /** Whether another node sent the delivery here, after GitHub had sent it there. */
  isPassedOn: boolean;
}

/** A delivery as GitHub sent it, with GitHub's own signature. */
export interface RawDelivery {
  headers: DeliveryHeaders;
  body: Buffer;
}

/** The header of a delivery that another node passes on. */
export const PASSED_ON = "x-lockstep-passed-on";

const MEDIA_TYPES: ReadonlyMap<string, DeliveryHeaders["mediaType"]> = new Map([
  ["application/json", "json"],
  ["application/x-www-form-urlencoded", "form"],
]);

/** @returns the parsed headers, or the reason why the body need not be read */
export function readHeaders({ headers }: IncomingMessage): DeliveryHeaders | Refusal {
  const id = headers["x-github-delivery"];
  const event = headers["x-github-event"];
  const signature = headers["x-hub-signature-256"];
  // An empty signature is none; the library that verifies signatures throws when it is given one.
  if (
    typeof id !== "string" ||
    typeof event !== "string" ||
    typeof signature !== "string" ||
    signature === ""
  )
    return REFUSALS.missing_header;
  // Both values are stored and logged before anyone can review them, so their form is checked.
  if (!/^[A-Za-z\d-]{1,64}$/.test(id) || !/^[a-z\d_]{1,64}$/.test(event)) return REFUSALS.bad_header;
  if (Number(headers["content-length"] ?? 0) > MAX_PAYLOAD_BYTES) return REFUSALS.too_large;
  const mediaType = MEDIA_TYPES.get((headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase());
  const isPassedOn = headers[PASSED_ON] === "1";
  return mediaType === undefined
    ? REFUSALS.unsupported_media_type
    : { id, event, signature, mediaType, hook: hookOf(headers), isPassedOn };
}
