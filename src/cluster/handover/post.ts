import { headersOfHook } from "../../deliveries/hook.js";
import { PASSED_ON, type RawDelivery } from "../../receiver/delivery.js";
import { sendToNode } from "../signed-request.js";

/** Every Lockstep takes deliveries here, whatever its WEBHOOK_PATH is. */
const PATH = "/api/v1/webhooks/github";
/** GitHub waits ten seconds for its answer, of which Redis has had one. Milliseconds. */
const TIMEOUT_MS = 3_000;

/**
 * Posts a delivery to another node as GitHub would, while Redis is away.
 * @param url the other node's NODE_URL
 * @throws unless the other node answers that the delivery is on its disk
 */
export async function postRaw(url: string, { headers, body }: RawDelivery): Promise<void> {
  const mediaType = headers.mediaType === "json" ? "application/json" : "application/x-www-form-urlencoded";
  const answer = await sendToNode(new URL(PATH, url), {
    method: "POST",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      "content-type": mediaType,
      "x-github-delivery": headers.id,
      "x-github-event": headers.event,
      "x-hub-signature-256": headers.signature,
      ...headersOfHook(headers.hook ?? null),
      [PASSED_ON]: "1",
    },
    body,
  });
  answer.resume();
  if (answer.statusCode !== 202) throw new Error(`the other node answered ${answer.statusCode}`);
}
