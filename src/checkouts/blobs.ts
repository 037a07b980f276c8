import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asRefreshError, RefreshError } from "../errors.js";
import { blobsChanged, blobsOf, fetchBlobs, missingOf } from "../git/blobs.js";
import type { RunGit } from "../git/exec.js";
import type { Gateway } from "../git/gateway.js";
import { extentOf, type Layout } from "../git/layout.js";
import { withAttributes } from "../git/lfs-pointers.js";
import type { Target } from "../git/upstream.js";
import type { RepositoryName } from "../model.js";
import type { TreeOptions } from "../selection.js";

interface Tools {
  git: RunGit;
  layout: Layout;
  gateway: Pick<Gateway, "open">;
  timeoutMs: number;
  /** @throws RefreshError `disk_low` */
  requireSpace(): void;
  onProgress(repository: RepositoryName, line: string): void;
  onFetched(stats: { requests: number; bytes: number }): void;
}

/** One tree that is to be written. */
export interface BlobsCall {
  repository: Target & { id: number };
  slug: string;
  commit: string;
  options: TreeOptions;
  signal: AbortSignal;
}

/** So many are like a clone: they need room on the disk, and someone may ask what takes so long. */
const MANY = 1_000;

/** Up to which commit a checkout's contents are in the mirror, and which of them. */
interface Brought {
  commit: string;
  paths: string[];
}

/** Contents of files that a partial mirror does not have until they are published. */
export function createBlobs(tools: Tools) {
  const { git, layout } = tools;

  /** In the mirror that it speaks of: whatever takes that mirror's place has none of it. */
  const noteOf = (id: number, slug: string): string =>
    join(layout.mirror(id), "lockstep-brought", slug || "@");

  function readNote({ repository, slug }: BlobsCall): Brought | null {
    try {
      return JSON.parse(readFileSync(noteOf(repository.id, slug), "utf8")) as Brought;
    } catch {
      return null; // nothing was brought yet
    }
  }

  function writeNote({ repository, slug }: BlobsCall, brought: Brought): void {
    const note = noteOf(repository.id, slug);
    mkdirSync(dirname(note), { recursive: true, mode: 0o750 });
    writeFileSync(`${note}.lock`, JSON.stringify(brought));
    renameSync(`${note}.lock`, note);
  }

  const forget = (id: number, slug: string): void => rmSync(noteOf(id, slug), { force: true });

  const isPartial = (id: number): boolean => extentOf(layout.mirror(id)).filter !== null;

  /** Whether the failure may be for want of contents. */
  const mayLack = (id: number, error: unknown): boolean =>
    asRefreshError(error).retry.kind === "rebuild" && isPartial(id);

  /** What the tree is made of, as far as it may not be there yet. */
  async function candidates(call: BlobsCall, paths: string[]): Promise<string[]> {
    const within = withinOf(call);
    const before = readNote(call);
    if (before && JSON.stringify(before.paths) === JSON.stringify(paths)) {
      try {
        return await blobsChanged(git, within, [before.commit, call.commit], paths);
      } catch {
        call.signal.throwIfAborted(); // that commit is no longer here
      }
    }
    return blobsOf(git, within, call.commit, paths);
  }

  const withinOf = ({ repository, signal }: BlobsCall) => ({
    ...{ gitDir: layout.mirror(repository.id), timeoutMs: tools.timeoutMs, signal },
  });

  async function fetch(call: BlobsCall, blobs: string[]): Promise<void> {
    const { repository, commit, signal } = call;
    if (blobs.length >= MANY) tools.requireSpace();
    const lease = tools.gateway.open(repository);
    const { id } = repository;
    const place = { repositoryDir: layout.repository(id), mirror: layout.mirror(id) };
    const limits = { timeoutMs: tools.timeoutMs, signal };
    const onProgress = (line: string) => tools.onProgress(repository, line);
    const shown = blobs.length < MANY ? {} : { onProgress };
    try {
      await fetchBlobs(git, lease, { ...place, blobs, call: { ...limits, ...shown } });
    } catch (error) {
      throw explained(asRefreshError(error), commit);
    } finally {
      lease.close();
      tools.onFetched(lease.stats);
    }
  }

  return {
    ...{ forget, mayLack },
    /** Has everything there that the tree is made of. Of a mirror that has it all, that is nothing to do. */
    async bring(call: BlobsCall): Promise<void> {
      if (!isPartial(call.repository.id)) return;
      const paths = pathsOf(call.options);
      const missing = await missingOf(git, withinOf(call), await candidates(call, paths));
      if (missing.length > 0) await fetch(call, missing);
      writeNote(call, { commit: call.commit, paths });
    },
    /** Forgets what was brought, where that may mend a failure. @returns whether to try again */
    mends(error: unknown, { repository: { id }, slug, signal }: BlobsCall): boolean {
      if (signal.aborted || !mayLack(id, error)) return false;
      forget(id, slug);
      return true;
    },
  };
}

export type Blobs = ReturnType<typeof createBlobs>;

/** What GitHub did not have a moment after the commit is there the next time; of an old commit it may be gone. */
function explained(cause: RefreshError, commit: string): RefreshError {
  const { code, message, retry } = cause;
  const waits = retry.kind === "after" ? { retryAfterMs: retry.ms } : {};
  const shown = code === "not_yet" ? "contents_missing" : code;
  return new RefreshError(shown, `contents of ${commit}: ${message}`, { cause, ...waits });
}

/** What tells how files are converted, and which submodules there are, is read too. None: all. */
function pathsOf({ paths, submodules }: TreeOptions): string[] {
  if (paths.length === 0) return [];
  return withAttributes([...paths, ...(submodules === "no" ? [] : [".gitmodules"])]);
}
