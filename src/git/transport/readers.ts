import { asRefreshError, RefreshError } from "../../base/errors.js";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import { parseRetryAfter } from "../../base/retry-after.js";
import type { Upstream, UpstreamAnswer } from "./upstream.js";

/**
 * What GitHub says to the question whether somebody may read a repository.
 * - unauthorized: GitHub does not know the credentials, or wants some.
 * - moved: the name is another's former name.
 * - unavailable: that was no answer, such as 429 or 503.
 */
export type ReadAnswer =
  | { kind: "yes" | "no" | "unauthorized" | "moved" }
  | { kind: "unavailable"; retryAfterMs: number | null };

/** Questions to GitHub about people and machines that read mirrors from here. */
export interface Readers {
  /**
   * Asks GitHub with the reader's own credentials, over the connections of the gateway. Never throws.
   * @param authorization the header to send; null: without credentials
   */
  mayRead(name: RepositoryName, authorization: string | null): Promise<ReadAnswer>;
  /** Gets a small JSON document from any server, without credentials. @throws RefreshError */
  document(url: string): Promise<string>;
}

const TIMEOUT_MS = 10_000;
const ADVERT = "application/x-git-upload-pack-advertisement";
/** The advertisement of protocol v2 has some hundred bytes. */
const MAX_ADVERT = 64 * 1024;
const MAX_DOCUMENT = 256 * 1024;

export function createReaders(upstream: Upstream): Readers {
  return {
    async mayRead(name, authorization) {
      try {
        const answer = await upstream.send({
          path: `/${fullName(name)}.git/info/refs?service=git-upload-pack`,
          method: "GET",
          headers: {
            "git-protocol": "version=2",
            "user-agent": "git/2.0 (lockstep)",
            accept: "*/*",
            ...(authorization === null ? {} : { authorization }),
          },
          // The App's token must not speak for a reader.
          installationId: null,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        return await meaningOf(answer);
      } catch (error) {
        const { retry } = asRefreshError(error);
        return { kind: "unavailable", retryAfterMs: retry.kind === "after" ? retry.ms : null };
      }
    },
    async document(url) {
      const answer = await upstream.get(url, { accept: "application/json" }, AbortSignal.timeout(TIMEOUT_MS));
      const text = await readUpTo(answer, MAX_DOCUMENT);
      if (answer.statusCode !== 200 || text === null)
        throw new RefreshError("upstream_error", `${new URL(url).host} answered ${answer.statusCode}`);
      return text;
    },
  };
}

async function meaningOf(answer: UpstreamAnswer): Promise<ReadAnswer> {
  const { statusCode: status, headers } = answer;
  // A server without protocol v2 lists all its refs, which nobody needs here.
  const text = await readUpTo(answer, MAX_ADVERT);
  const retryAfterMs = parseRetryAfter(headers["retry-after"]) ?? null;
  if (status === 200) {
    // The page of a proxy or of a network's sign-in is no yes.
    const isGit = headers["content-type"] === ADVERT && (text === null || /^[\da-f]{4}/.test(text));
    return isGit ? { kind: "yes" } : { kind: "unavailable", retryAfterMs };
  }
  if (status === 429 || status >= 500 || (status === 403 && retryAfterMs !== null))
    return { kind: "unavailable", retryAfterMs };
  if (status === 401) return { kind: "unauthorized" };
  return { kind: status >= 300 && status < 400 ? "moved" : "no" };
}

/** @returns null: the body is longer */
async function readUpTo({ body }: UpstreamAnswer, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
