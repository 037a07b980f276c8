import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { type Dispatcher as Agent, EnvHttpProxyAgent, request } from "undici";
import { NotAccepted } from "../base/errors.js";
import type { Announcement } from "../base/model.js";
import { parseRetryAfter } from "../base/retry-after.js";
import type { Consumer } from "./consumer.js";

interface Options {
  /** The secret is `whsec_` followed by base64. */
  secret: string;
  /** Distinguishes event ids of this DATA_DIR from those of a DATA_DIR created later. */
  origin: string;
  agent: Agent;
}

const TIMEOUT_MS = 15_000;
const AT_A_TIME = 8;
/** The number of bytes of a refusal's body that are logged. */
const MAX_ANSWER = 1_024;

export const createWebhookAgent = () =>
  new EnvHttpProxyAgent({
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    connect: { timeout: 10_000 },
  });

/** The URL for people and logs, without user name and query, which may be secrets. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Sends events to one of ANNOUNCE_URLS: https://www.standardwebhooks.com */
export function createWebhook(url: string, { secret, origin, agent }: Options): Consumer {
  const signer = new Webhook(secret);
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 16);
  const { href, authorization } = target(url);

  async function deliver(event: Announcement, _part: number, stopping: AbortSignal): Promise<void> {
    const body = JSON.stringify(event);
    const id = `${origin}-${event.id}`;
    const at = new Date();
    const { signal, release } = deadline(stopping);
    const headers = {
      "content-type": "application/json",
      "user-agent": "lockstep",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": signer.sign(id, at, body),
      ...(authorization && { authorization }),
    };
    try {
      // undici follows no redirect by default, so an event never goes to an address that the operator did not
      // configure.
      const answer = await request(href, { dispatcher: agent, method: "POST", headers, body, signal });
      await answer.body.dump({ limit: MAX_ANSWER, signal }).catch(() => {});
      if (answer.statusCode < 200 || answer.statusCode > 299)
        throw new NotAccepted(
          `it answered ${answer.statusCode}`,
          parseRetryAfter(answer.headers["retry-after"]),
        );
    } catch (error) {
      throw error instanceof NotAccepted ? error : new NotAccepted(reasonOf(error, signal));
    } finally {
      release();
    }
  }

  return {
    key: `webhook:${hash}`,
    shown: shownUrl(url),
    atATime: AT_A_TIME,
    isShared: true,
    parts: () => 1,
    deliver,
  };
}

/** fetch and undici refuse credentials in a URL, so they are sent in a header. */
function target(text: string): { href: string; authorization: string | null } {
  const url = new URL(text);
  const { username, password } = url;
  if (username === "" && password === "") return { href: url.href, authorization: null };
  url.username = "";
  url.password = "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { href: url.href, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** AbortSignal.any is not used: on Node.js 20 the long-lived signal keeps every signal derived from it. */
function deadline(stopping: AbortSignal): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const end = () => controller.abort();
  const timer = setTimeout(end, TIMEOUT_MS);
  if (stopping.aborted) end();
  stopping.addEventListener("abort", end, { once: true });
  const release = () => {
    clearTimeout(timer);
    stopping.removeEventListener("abort", end);
  };
  return { signal: controller.signal, release };
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  const { code, message } = error as Error & { code?: string };
  if (signal.aborted) return `no answer within ${TIMEOUT_MS} ms`;
  return code ? `${code}: ${message}` : message;
}
