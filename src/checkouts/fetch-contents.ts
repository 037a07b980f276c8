import { monotonicMs } from "../base/clock.js";
import { asRefreshError, explained, type RefreshError } from "../base/errors.js";
import { REPLICA_LAG_MS } from "../base/github-facts.js";
import type { RepositoryName } from "../base/model.js";
import type { TreeOptions } from "../config/checkouts.js";
import type { Layout } from "../git/disk/layout.js";
import { fetchBlobs } from "../git/mirror/blobs.js";
import type { Write } from "../git/mirror/writers.js";
import type { RunGit } from "../git/run/exec.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { Target } from "../git/transport/upstream.js";
import { noteOf } from "./fetched-note.js";

export interface BlobTools {
  git: RunGit;
  layout: Layout;
  gateway: Pick<Gateway, "open">;
  timeoutMs: number;
  write: Write;
  /** Marks the mirror for cleaning, because an interrupted fetch may have left files there. */
  distrust(id: number): void;
  /** @throws RefreshError `disk_low` */
  requireSpace(): void;
  onProgress(repository: RepositoryName, line: string): void;
  onFetched(stats: { requests: number; bytes: number }): void;
}

/** One tree that is about to be written. */
export interface BlobsCall {
  repository: Target & { id: number };
  slug: string;
  commit: string;
  options: TreeOptions;
  signal: AbortSignal;
}

/** The note of the checkout says since when GitHub does not serve a commit's contents, by the monotonic clock. */
export type Refused = Map<string, { commit: string; since: number }>;

/** A fetch of this many objects is like a clone: free disk is checked first and progress is logged. */
const MANY = 1_000;

/**
 * Fetches the contents as the mirror's writer, since a fetch has the scratch directory for itself.
 * @throws RefreshError that names the commit; `not_yet` or `contents_missing` when GitHub lacks the contents
 */
export async function fetchContents(
  tools: BlobTools,
  refused: Refused,
  call: BlobsCall,
  blobs: string[],
): Promise<void> {
  const { layout } = tools;
  const { repository, slug, commit, signal } = call;
  const { id } = repository;
  const isMany = blobs.length >= MANY;
  if (isMany) tools.requireSpace();
  const onProgress = (line: string) => tools.onProgress(repository, line);
  const lease = tools.gateway.open(repository);
  try {
    await fetchBlobs(tools.git, lease, {
      repositoryDir: layout.repository(id),
      mirror: layout.mirror(id),
      blobs,
      call: { timeoutMs: tools.timeoutMs, signal, ...(isMany ? { onProgress } : {}) },
    });
    refused.delete(noteOf(layout, id, slug));
  } catch (error) {
    const failure = asRefreshError(error);
    if (failure.code === "not_yet") throw refuse(tools, refused, call, failure);
    tools.distrust(id);
    throw explained(failure, `contents of ${commit}`);
  } finally {
    lease.close();
    tools.onFetched(lease.stats);
  }
}

/**
 * A replica may lack the contents of a new commit for a moment; contents of an old commit may be gone for
 * good.
 */
function refuse(
  tools: BlobTools,
  refused: Refused,
  { repository, slug, commit }: BlobsCall,
  cause: RefreshError,
): RefreshError {
  const key = noteOf(tools.layout, repository.id, slug);
  const before = refused.get(key);
  const since = before?.commit === commit ? before.since : monotonicMs();
  refused.set(key, { commit, since });
  const code = monotonicMs() - since > REPLICA_LAG_MS ? "contents_missing" : "not_yet";
  return explained(cause, `contents of ${commit}`, { code });
}
