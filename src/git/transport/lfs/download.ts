import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RefreshError } from "../../../base/errors.js";
import { asNetworkError, statusError, type Upstream } from "../upstream.js";
import type { LfsDownload } from "./objects.js";
import { missingIfRefused } from "./refused.js";

/** Opens the content of one object, which nobody has checked. No redirect is followed. @throws RefreshError */
export async function openObject(
  upstream: Upstream,
  { href, header, label }: Pick<LfsDownload, "href" | "header" | "label">,
  signal: AbortSignal,
): Promise<Readable> {
  const answer = await upstream.get(href, header, signal);
  if (answer.statusCode === 200) return answer.body;
  await answer.body.dump();
  throw missingIfRefused(statusError(answer, { kind: "lfs", host: new URL(href).host }), label);
}

/**
 * Writes one object to a file that must not exist.
 * @throws RefreshError `lfs_unsound` when the content is not the object's
 */
export async function downloadObject(
  upstream: Upstream,
  from: LfsDownload,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const { href, oid, size, label } = from;
  const content = await openObject(upstream, from, signal);
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
  await pipeline(content, check, sink, { signal }).catch((error: unknown) => {
    throw fileError(error) ?? asNetworkError(error, new URL(href).origin, "lfs");
  });
  if (bytes !== size) throw unsound(`has ${bytes} bytes, not ${size}`);
  if (hash.digest("hex") !== oid) throw unsound("does not match its name (SHA-256)");
}

function fileError(error: unknown): RefreshError | null {
  const code = String((error as { code?: unknown }).code ?? "");
  if (code === "ENOSPC" || code === "EDQUOT") return new RefreshError("disk_full", "the disk is full");
  if (error instanceof RefreshError) return error;
  return code === "ABORT_ERR" ? new RefreshError("cancelled", "a download was cancelled") : null;
}
