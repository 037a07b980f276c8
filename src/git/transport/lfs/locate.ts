import { z } from "zod";
import { RefreshError } from "../../../base/errors.js";
import { fullName } from "../../../base/names.js";
import { readUpTo } from "../../../base/read-up-to.js";
import { statusError, type Target, type Upstream } from "../upstream.js";
import type { LfsDownload, LfsObject } from "./objects.js";
import { missingIfRefused } from "./refused.js";

const MEDIA_TYPE = "application/vnd.git-lfs+json";
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const ANSWER = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z
        .object({
          download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).optional() }),
        })
        .optional(),
      error: z.object({ code: z.number(), message: z.string() }).optional(),
    }),
  ),
});

interface Server {
  upstream: Upstream;
  /** GitHub's origin, such as https://github.com. */
  origin: string;
}

/**
 * Asks GitHub where objects are at present: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 * @returns the locations in the same order
 * @throws RefreshError `lfs_missing` when GitHub does not have one of the objects
 */
export async function locateObjects(
  { upstream, origin }: Server,
  target: Target,
  objects: LfsObject[],
  signal: AbortSignal,
): Promise<LfsDownload[]> {
  const requested = objects.map(({ oid, size }) => ({ oid, size }));
  const answer = await upstream.send({
    path: `/${fullName(target)}.git/info/lfs/objects/batch`,
    method: "POST",
    headers: { accept: MEDIA_TYPE, "content-type": MEDIA_TYPE, "user-agent": "lockstep" },
    body: Buffer.from(JSON.stringify({ operation: "download", transfers: ["basic"], objects: requested })),
    installationId: target.installationId,
    signal,
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw missingIfRefused(
      statusError(answer, { kind: "lfs", host: upstream.host }),
      `Git LFS of ${fullName(target)}`,
    );
  }
  const found = ANSWER.safeParse(parse(await text(answer.body)));
  if (!found.success) throw new RefreshError("upstream_error", "GitHub's response is not a Git LFS response");
  const byOid = new Map(found.data.objects.map((one) => [one.oid, one]));
  return objects.map((object) => {
    const { actions, error } = byOid.get(object.oid) ?? {};
    if (actions && isFetchable(actions.download.href, origin))
      return { ...object, header: {}, ...actions.download };
    const why = error ? `: ${error.code} ${error.message.slice(0, 200)}` : "";
    throw new RefreshError("lfs_missing", `GitHub does not give ${object.label}${why}`);
  });
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
