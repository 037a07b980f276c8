import type { Octokit } from "@octokit/rest";
import { RefreshError } from "../base/errors.js";
import { MAX_PAYLOAD_BYTES } from "../base/github-facts.js";
import { type Fields, parseJson } from "../base/large-json.js";
import { readUpTo } from "../base/read-up-to.js";
import type { ApiContext } from "./context.js";
import { callRest, callRestOrNull, clockOf } from "./rest.js";

/** One webhook call as GitHub's own log records it. */
export interface LoggedDelivery {
  /** GitHub's number for the delivery, with which its details are requested. */
  id: number;
  /** X-GitHub-Delivery, which is the same for every attempt. */
  guid: string;
  /** Milliseconds since 1970. */
  deliveredAt: number;
  event: string;
  action: string | null;
  installationId: number | null;
  repositoryId: number | null;
  /** The status of the answer that GitHub recorded; 0: none. */
  statusCode: number;
}

/** A page of GitHub's log, newest first, and where the next, older page starts. */
export interface DeliveryPage {
  deliveries: LoggedDelivery[];
  /** null: no older page exists. */
  next: string | null;
  /** GitHub's clock at the answer, in milliseconds. */
  at: number;
  /** For how long the answer had been kept when it was used, in milliseconds; missing: GitHub has just given it. */
  keptMs?: number;
}

/** @param cursor where the page starts; null: at the newest entry @throws RefreshError */
export function listDeliveries({ app }: ApiContext, cursor: string | null): Promise<DeliveryPage> {
  return callRest(async () => {
    const page = { per_page: 100, ...(cursor === null ? {} : { cursor }) };
    const { data, headers } = await app.rest.apps.listWebhookDeliveries(page);
    return {
      deliveries: data.map(toLogged),
      next: nextCursor(headers.link),
      at: clockOf(headers) * 1000,
    };
  });
}

/**
 * @param fields what of the payload is used: the rest of a large one is left out
 * @returns the payload of a delivery; null: GitHub no longer has the payload @throws RefreshError
 */
export function getPayload({ app }: ApiContext, deliveryId: number, fields: Fields): Promise<unknown> {
  return callRestOrNull(async () => {
    // Octokit would parse the answer, of up to 25 MiB, in one piece.
    const request = { parseSuccessResponseBody: false };
    const { data } = await app.rest.apps.getWebhookDelivery({ delivery_id: deliveryId, request });
    const bytes = await readAnswer(data as unknown as ReadableStream<Uint8Array>);
    const answer = await parseJson(bytes, { fields: { request: { payload: fields } } });
    return (answer as { request?: { payload?: unknown } } | undefined)?.request?.payload ?? null;
  });
}

/** The payload, its headers, and how JSON writes it. */
const MAX_ANSWER_BYTES = 2 * MAX_PAYLOAD_BYTES;

async function readAnswer(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const answer = await readUpTo(body, MAX_ANSWER_BYTES);
  if (answer === null)
    throw new RefreshError("upstream_error", "GitHub's answer about a delivery is too long");
  return answer;
}

type LogEntry = Awaited<ReturnType<Octokit["rest"]["apps"]["listWebhookDeliveries"]>>["data"][number];

const toLogged = (entry: LogEntry): LoggedDelivery => ({
  id: entry.id,
  guid: entry.guid,
  deliveredAt: Date.parse(entry.delivered_at),
  event: entry.event,
  action: entry.action,
  installationId: entry.installation_id,
  repositoryId: entry.repository_id,
  statusCode: entry.status_code,
});

/** https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api */
function nextCursor(link: string | undefined): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  return next && URL.canParse(next) ? new URL(next).searchParams.get("cursor") : null;
}
