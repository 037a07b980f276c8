import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { RefreshError } from "../../base/errors.js";
import { fullName } from "../../base/names.js";
import { asNetworkError, statusError, type Target, type Upstream } from "./upstream.js";

export interface LfsObject {
  /** SHA-256 of its content. */
  oid: string;
  size: number;
  /** What messages call it. */
  label: string;
}

/** Where one object is for now. What it holds is nobody else's to see: it may carry a ticket. */
export interface LfsDownload extends LfsObject {
  href: string;
  header: Record<string, string>;
}

/** Git LFS at GitHub: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export interface Lfs {
  /** @throws RefreshError `lfs_missing` when one of them cannot be had */
  locate(target: Target, objects: LfsObject[], signal: AbortSignal): Promise<LfsDownload[]>;
  /** Writes it to a file that must not be there. @throws RefreshError `lfs_unsound` when it is another one */
  download(from: LfsDownload, file: string, signal: AbortSignal): Promise<void>;
}

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

export function createLfs(upstream: Upstream, origin: string): Lfs {
  return {
    async locate(target, objects, signal) {
      const named = objects.map(({ oid, size }) => ({ oid, size }));
      const answer = await upstream.send({
        path: `/${fullName(target)}.git/info/lfs/objects/batch`,
        method: "POST",
        headers: { accept: MEDIA_TYPE, "content-type": MEDIA_TYPE, "user-agent": "lockstep" },
        body: Buffer.from(JSON.stringify({ operation: "download", transfers: ["basic"], objects: named })),
        installationId: target.installationId,
        signal,
      });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw unserved(statusError(answer), `Git LFS of ${fullName(target)}`);
      }
      const found = ANSWER.safeParse(parse(await text(answer.body)));
      if (!found.success) throw new RefreshError("upstream_error", "GitHub's answer is none of Git LFS");
      const byOid = new Map(found.data.objects.map((one) => [one.oid, one]));
      return objects.map((object) => {
        const { actions, error } = byOid.get(object.oid) ?? {};
        if (actions && isFetchable(actions.download.href, origin))
          return { ...object, header: {}, ...actions.download };
        const why = error ? `: ${error.code} ${error.message.slice(0, 200)}` : "";
        throw new RefreshError("lfs_missing", `GitHub does not give ${object.label}${why}`);
      });
    },
    async download({ href, header, oid, size, label }, file, signal) {
      const answer = await upstream.get(href, header, signal);
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw unserved(statusError(answer), label);
      }
      const hash = createHash("sha256");
      let bytes = 0;
      const unsound = (how: string) => new RefreshError("lfs_unsound", `${label} ${how}`);
      const check = new Transform({
        transform(chunk: Buffer, _, done) {
          bytes += chunk.length;
          if (bytes > size) return done(unsound(`has more than its ${size} bytes`));
          hash.update(chunk);
          done(null, chunk);
        },
      });
      const sink = createWriteStream(file, { flags: "wx", mode: 0o640 });
      await pipeline(answer.body, check, sink, { signal }).catch((error: unknown) => {
        throw fileError(error) ?? asNetworkError(error, new URL(href).origin);
      });
      if (bytes !== size) throw unsound(`has ${bytes} bytes, not ${size}`);
      if (hash.digest("hex") !== oid) throw unsound("has other bytes than it is named after");
    },
  };
}

/** Only what GitHub itself could have meant: HTTPS, or the very server where that speaks HTTP alone. */
function isFetchable(href: string, origin: string): boolean {
  if (!URL.canParse(href)) return false;
  const url = new URL(href);
  return url.protocol === "https:" || (origin.startsWith("http:") && url.origin === origin);
}

/** What these mean of the repository itself they do not mean here. */
function unserved(error: RefreshError, what: string): RefreshError {
  if (!error.is("notVisible") && error.code !== "unauthorized") return error;
  return new RefreshError("lfs_missing", `${what}: ${error.message}`, { cause: error });
}

function fileError(error: unknown): RefreshError | null {
  const code = String((error as { code?: unknown }).code ?? "");
  if (code === "ENOSPC" || code === "EDQUOT") return new RefreshError("disk_full", "the disk is full");
  if (error instanceof RefreshError) return error;
  return code === "ABORT_ERR" ? new RefreshError("cancelled", "a download was cancelled") : null;
}

async function text(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new RefreshError("upstream_error", "GitHub's LFS answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new RefreshError("upstream_error", "GitHub's LFS answer is no JSON", { cause: error });
  }
}
