import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asRefreshError, explained, type RefreshError } from "../base/errors.js";
import { REPLICA_LAG_MS } from "../base/github-facts.js";
import type { RepositoryName } from "../base/model.js";
import type { TreeOptions } from "../config/checkouts.js";
import { extentOf, type Layout } from "../git/disk/layout.js";
import { blobsChanged, blobsOf, fetchBlobs, missingOf, type Blobs as Needed } from "../git/mirror/blobs.js";
import type { RunGit } from "../git/run/exec.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { Target } from "../git/transport/upstream.js";
import { withAttributes } from "../git/tree/lfs-pointers.js";

interface Tools {
  git: RunGit;
  layout: Layout;
  gateway: Pick<Gateway, "open">;
  timeoutMs: number;
  /** A fetch that broke off may have left files there. */
  distrust(id: number): void;
  /** @throws RefreshError `disk_low` */
  requireSpace(): void;
  onProgress(repository: RepositoryName, line: string): void;
  onFetched(stats: { requests: number; bytes: number }): void;
  now(): number;
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
  /** Without these a tree is written otherwise, and nobody is told: they are looked for each time. */
  silent: Needed["silent"];
}

/** Contents of files that a partial mirror does not have until they are published. */
export function createBlobs(tools: Tools) {
  const { git, layout } = tools;
  /** Since when GitHub does not give the contents of a commit. */
  const refused = new Map<string, { commit: string; since: number }>();

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
  async function candidates(call: BlobsCall, paths: string[]): Promise<Needed> {
    const within = withinOf(call);
    const before = readNote(call);
    if (before && JSON.stringify(before.paths) === JSON.stringify(paths)) {
      try {
        return await blobsChanged(git, within, [before.commit, call.commit], paths, before.silent);
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
    const { repository, slug, commit, signal } = call;
    if (blobs.length >= MANY) tools.requireSpace();
    const lease = tools.gateway.open(repository);
    const { id } = repository;
    const place = { repositoryDir: layout.repository(id), mirror: layout.mirror(id) };
    const limits = { timeoutMs: tools.timeoutMs, signal };
    const onProgress = (line: string) => tools.onProgress(repository, line);
    const shown = blobs.length < MANY ? {} : { onProgress };
    try {
      await fetchBlobs(git, lease, { ...place, blobs, call: { ...limits, ...shown } });
      refused.delete(noteOf(id, slug));
    } catch (error) {
      const failure = asRefreshError(error);
      if (failure.code === "not_yet") throw refusal(failure, call);
      tools.distrust(id);
      throw explained(failure, `contents of ${commit}`);
    } finally {
      lease.close();
      tools.onFetched(lease.stats);
    }
  }

  /** What a replica did not have a moment after the commit is there the next time; of an old commit it may be gone. */
  function refusal(cause: RefreshError, { repository, slug, commit }: BlobsCall): RefreshError {
    const key = noteOf(repository.id, slug);
    const before = refused.get(key);
    const since = before?.commit === commit ? before.since : tools.now();
    refused.set(key, { commit, since });
    const code = tools.now() - since > REPLICA_LAG_MS ? "contents_missing" : "not_yet";
    return explained(cause, `contents of ${commit}`, code);
  }

  return {
    ...{ forget, mayLack },
    /** Has everything there that the tree is made of. Of a mirror that has it all, that is nothing to do. */
    async bring(call: BlobsCall): Promise<void> {
      if (!isPartial(call.repository.id)) return;
      const paths = pathsOf(call.options);
      const { all, silent } = await candidates(call, paths);
      const needed = new Set([...all, ...Object.values(silent)]);
      const missing = await missingOf(git, withinOf(call), [...needed]);
      if (missing.length > 0) await fetch(call, missing);
      writeNote(call, { commit: call.commit, paths, silent });
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

/** What tells how files are converted, and which submodules there are, is read too. None: all. */
function pathsOf({ paths, submodules }: TreeOptions): string[] {
  if (paths.length === 0) return [];
  return withAttributes([...paths, ...(submodules === "no" ? [] : [".gitmodules"])]);
}
