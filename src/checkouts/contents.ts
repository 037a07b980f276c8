import { existsSync } from "node:fs";
import { asRefreshError } from "../base/errors.js";
import type { TreeOptions } from "../config/checkouts.js";
import { extentOf, type Layout, toTrash } from "../git/disk/layout.js";
import type { RunGit } from "../git/run/exec.js";
import type { StreamGit } from "../git/run/stream.js";
import { openContentStore, storeDir } from "../git/tree/content-store.js";
import { type Count, countEntries } from "../git/tree/count.js";
import { createRecount, type Recount } from "../git/tree/recount.js";
import { NO_TOTALS, requireWithin, type TreeBudget } from "./budget.js";
import { countContent } from "./count-content.js";
import type { LfsFiles } from "./lfs/files.js";
import { type ContentCall, type Job, type Maker, makeContent } from "./make-content.js";
import type { Parent, Submodules } from "./submodules.js";

export type { ContentCall } from "./make-content.js";

export interface Content {
  /** The object that is written: the commit, or a tree or commit with additional files. */
  sha: string;
  /** What readers of the tree should know; a few entries. */
  notes: string[];
  /** The content is kept for as long as directory `n` uses it. */
  hold(n: number): Promise<void>;
  /** Drops contents that none of these directories uses. */
  tidy(trees: number[]): Promise<void>;
}

interface ContentTools {
  git: RunGit;
  streamGit: StreamGit;
  /** Whether small changes are counted without git. */
  direct: boolean;
  budget: TreeBudget;
  layout: Layout;
  timeoutMs: number;
  submodules: Submodules;
  lfs: LfsFiles;
}

/** A publish reports at most this many notes. */
const MAX_NOTES = 10;

/** Builds trees that include files of submodules and of Git LFS. */
export function createContents(tools: ContentTools) {
  const { submodules, lfs } = tools;
  const recount = createRecount(tools.streamGit, tools);
  const maker: Maker = { submodules, lfs, budget: tools.budget, known: new Map() };

  function forget(base: string): void {
    maker.known.clear();
    toTrash(tools.layout, storeDir(base));
  }

  return {
    /**
     * Counts the files of a commit in a partial mirror, before their contents are asked for.
     * @throws RefreshError `tree_too_large`
     */
    async count(call: ContentCall): Promise<void> {
      if (extentOf(call.mirror).filter !== null) await countOwn(tools, call, countFiles(tools.streamGit));
    },
    /** @throws RefreshError that names the content that is not available */
    async of(call: ContentCall): Promise<Content> {
      if (isMore(call.options)) return contentOf({ ...tools, recount }, maker, call);
      await countOwn(tools, call, recount);
      if (existsSync(storeDir(call.base))) forget(call.base);
      return { sha: call.commit, notes: [], async hold() {}, async tidy() {} };
    },
    /** Discards fetched contents where a new fetch may repair the failure. @returns whether to retry */
    recover(error: unknown, { base, options, signal }: Omit<ContentCall, "commit">): boolean {
      const failure = asRefreshError(error);
      const isElsewhere = failure.is("outsideTheTree") || ["after", "never"].includes(failure.retry.kind);
      if (!isMore(options) || signal.aborted || isElsewhere) return false;
      forget(base);
      return true;
    },
  };
}

export type Contents = ReturnType<typeof createContents>;

/** Counts what the commit itself has. @throws RefreshError `tree_too_large` */
async function countOwn(
  { budget, timeoutMs }: ContentTools,
  { mirror, base, commit, options, signal }: ContentCall,
  count: Recount,
): Promise<void> {
  const most: Count = { entries: budget.files, bytes: budget.bytes };
  const from = { gitDir: mirror, timeoutMs, signal };
  const { paths } = options;
  const { entries: files, bytes } = await count(base, from, { commit, paths, most });
  requireWithin(budget, { ...NO_TOTALS, files, bytes });
}

/** Counts files alone, whose contents may be missing. */
const countFiles =
  (streamGit: StreamGit): Recount =>
  (_, from, call) =>
    countEntries(streamGit, from, { ...call, countsBytes: false });

async function contentOf(
  tools: ContentTools & { recount: Recount },
  maker: Maker,
  call: ContentCall,
): Promise<Content> {
  const { git, timeoutMs } = tools;
  const { lfs, known } = maker;
  const store = await openContentStore(git, { ...call, timeoutMs });
  const parent = { ...call.repository, written: call.repository, isOfInstallation: true };
  const part = { parent, commit: call.commit, within: [] };
  await countAll(tools, { ...call, store }, parent);
  const { tree, commits, oids, verbatim, notes } = await makeContent(maker, { ...call, store }, part);
  const sha = await store.exempt(tree, verbatim);
  return {
    sha,
    notes: shorten(notes),
    hold: (n) => store.hold(n, sha),
    async tidy(trees) {
      const isDue = call.options.lfs && lfs.isDue(store.dir, oids);
      if (!(await store.tidy({ trees, commits: new Set(commits) }, isDue))) return;
      known.clear();
      if (call.options.lfs) await lfs.tidied(store, oids);
    },
  };
}

/** Counts the tree with its submodules. @throws RefreshError `tree_too_large` */
async function countAll(
  { streamGit, submodules, budget, recount }: ContentTools & { recount: Recount },
  job: Job,
  parent: Parent,
): Promise<void> {
  const countWith = (counting: Recount) =>
    countContent({ recount: counting, submodules, budget, job }, parent, job.commit);
  try {
    await countWith(recount);
  } catch (error) {
    if (asRefreshError(error).code !== "tree_too_large") throw error;
    // The bounds of several parts may add up to more than there is.
    await countWith(createRecount(streamGit, { direct: false }));
  }
}

function shorten(notes: string[]): string[] {
  const more = notes.length - MAX_NOTES;
  if (more <= 0) return notes;
  return [...notes.slice(0, MAX_NOTES), `${more} further files are published as pointers, too`];
}

/** Whether a tree may contain more than its commit's own files. */
export const isMore = ({ submodules, lfs }: TreeOptions): boolean => submodules !== "no" || lfs;
