import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import { asRefreshError, RefreshError } from "../../base/errors.js";
import type { Lfs, LfsDownload, LfsObject } from "../../git/transport/lfs.js";
import type { Target } from "../../git/transport/upstream.js";
import type { ContentStore } from "../../git/tree/content-store.js";

export interface DownloadTools {
  lfs: Lfs;
  timeoutMs: number;
}

/** The default of Git LFS is the same number. */
const AT_A_TIME = 8;

/**
 * Downloads files of Git LFS into a content store.
 * @returns the git objects with their content, in the same order
 * @throws RefreshError
 */
export async function downloadObjects(
  { lfs, timeoutMs }: DownloadTools,
  store: ContentStore,
  from: Target,
  objects: LfsObject[],
  signal: AbortSignal,
): Promise<string[]> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await downloadInto(lfs, store, from, objects, AbortSignal.any([signal, deadline]));
  } catch (error) {
    if (signal.aborted) throw new RefreshError("cancelled", "downloads of Git LFS were cancelled");
    if (deadline.aborted) throw new RefreshError("timeout", `Git LFS took longer than ${timeoutMs} ms`);
    throw asRefreshError(error);
  }
}

async function downloadInto(
  lfs: Lfs,
  store: ContentStore,
  from: Target,
  objects: LfsObject[],
  signal: AbortSignal,
): Promise<string[]> {
  const incoming = join(store.dir, "incoming");
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { mode: 0o750 });
  try {
    // An empty file needs no answer of GitHub's.
    const empty = objects.filter(({ size }) => size === 0);
    for (const { oid } of empty) writeFileSync(join(incoming, oid), "");
    const others = objects.filter(({ size }) => size > 0);
    const found = others.length === 0 ? [] : await lfs.locate(from, others, signal);
    await downloadAll(lfs, found, incoming, signal);
    return await store.takeIn(objects.map(({ oid }) => join(incoming, oid)));
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

/** The first failure cancels the other downloads. */
async function downloadAll(lfs: Lfs, found: LfsDownload[], into: string, signal: AbortSignal): Promise<void> {
  const queue = new PQueue({ concurrency: AT_A_TIME });
  const end = new AbortController();
  const within = AbortSignal.any([signal, end.signal]);
  try {
    await queue.addAll(found.map((one) => () => lfs.download(one, join(into, one.oid), within)));
  } catch (error) {
    queue.clear();
    end.abort();
    await queue.onIdle();
    throw error;
  }
}
