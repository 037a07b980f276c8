import { z } from "zod";
import { RefreshError } from "../../../base/errors.js";
import { fullName } from "../../../base/names.js";
import { readUpTo } from "../../../base/read-up-to.js";
import { statusError, type Target, type Upstream } from "../upstream.js";
import type { LfsLocation } from "./objects.js";

const MEDIA_TYPE = "application/vnd.git-lfs+json";
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const ANSWER = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      size: z.number().int().nonnegative().optional(),
      authenticated: z.boolean().optional(),
      actions: z
        .object({
          download: z.object({
            href: z.string(),
            header: z.record(z.string(), z.string()).optional(),
            expires_in: z.number().optional(),
            expires_at: z.string().optional(),
          }),
        })
        .optional(),
      error: z.object({ code: z.number(), message: z.string() }).optional(),
    }),
  ),
});

export interface LfsServer {
  upstream: Upstream;
  /** GitHub's origin, such as https://github.com. */
  origin: string;
}

/** A question where objects can be downloaded. */
export interface LfsQuestion {
  objects: readonly { oid: string; size: number }[];
  /** The credentials to ask with, as the header has them; null: those of the target's installation, if any. */
  authorization: string | null;
  signal: AbortSignal;
}

/**
 * Asks GitHub where objects are at present: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 * @returns what GitHub says of each object, by its id
 * @throws RefreshError
 */
export async function askBatch(
  { upstream, origin }: LfsServer,
  target: Target,
  { objects, authorization, signal }: LfsQuestion,
): Promise<Map<string, LfsLocation>> {
  const requested = objects.map(({ oid, size }) => ({ oid, size }));
  const own: Record<string, string> = authorization === null ? {} : { authorization };
  const answer = await upstream.send({
    path: `/${fullName(target)}.git/info/lfs/objects/batch`,
    method: "POST",
    headers: { accept: MEDIA_TYPE, "content-type": MEDIA_TYPE, "user-agent": "lockstep", ...own },
    body: Buffer.from(JSON.stringify({ operation: "download", transfers: ["basic"], objects: requested })),
    installationId: authorization === null ? target.installationId : null,
    signal,
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw statusError(answer, { kind: "lfs", host: upstream.host });
  }
  const found = ANSWER.safeParse(parse(await text(answer.body)));
  if (!found.success) throw new RefreshError("upstream_error", "GitHub's response is not a Git LFS response");
  return new Map(
    found.data.objects.map(({ oid, size, authenticated = false, actions, error = null }) => {
      const download = actions && isFetchable(actions.download.href, origin) ? actions.download : null;
      return [oid, { size: size ?? null, isAuthenticated: authenticated, download, error }];
    }),
  );
}

/**
 * Whether GitHub itself could have sent the URL: HTTPS, or the origin itself where the origin speaks only
 * HTTP.
 */
function isFetchable(href: string, origin: string): boolean {
  if (!URL.canParse(href)) return false;
  const url = new URL(href);
  return url.protocol === "https:" || (origin.startsWith("http:") && url.origin === origin);
}

async function text(body: AsyncIterable<Buffer>): Promise<string> {
  const answer = await readUpTo(body, MAX_ANSWER_BYTES);
  if (answer === null) throw new RefreshError("upstream_error", "GitHub's LFS answer is too large");
  return answer.toString();
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new RefreshError("upstream_error", "GitHub's LFS answer is not valid JSON", { cause: error });
  }
}
