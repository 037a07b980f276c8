import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { NotAccepted } from "../base/errors.js";
import { parseRetryAfter } from "../base/retry-after.js";

const TIMEOUT_MS = 15_000;
/** The number of bytes of an answer's body that are read, so that the connection can be used again. */
const MAX_ANSWER = 1_024;

export const createPostAgent = () =>
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

interface Post {
  body: string;
  headers: Record<string, string>;
  stopping: AbortSignal;
}

/**
 * Creates a function that posts JSON to a URL. It follows no redirect, so nothing goes to an address that the operator
 * did not configure.
 * @returns a function that throws NotAccepted after any answer but 2xx, and after 15 s without one
 */
export function createPost(url: string, agent: Dispatcher): (post: Post) => Promise<void> {
  const { href, authorization } = target(url);
  return async ({ body, headers: given, stopping }) => {
    const { signal, release } = deadline(stopping);
    const headers = {
      "content-type": "application/json",
      "user-agent": "lockstep",
      ...given,
      ...(authorization && { authorization }),
    };
    try {
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
