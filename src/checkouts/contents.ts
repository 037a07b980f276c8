import { existsSync } from "node:fs";
import { asRefreshError, RefreshError } from "../base/errors.js";
import type { TreeOptions } from "../config/checkouts.js";
import { type Layout, toTrash } from "../git/disk/layout.js";
import type { RunGit } from "../git/run/exec.js";
import { quotedPath } from "../git/run/path-bytes.js";
import type { Target } from "../git/transport/upstream.js";
import { type ContentStore, type Graft, openContentStore, storeDir } from "../git/tree/content-store.js";
import type { LfsFiles } from "./lfs-files.js";
import type { Parent, Submodules } from "./submodules.js";

/** Of what a tree is to be made. */
export interface ContentCall {
  repository: Target;
  /** Where the trees of the checkout are. */
  base: string;
  mirror: string;
  commit: string;
  options: TreeOptions;
  signal: AbortSignal;
}

export interface Content {
  /** What is written: the commit, or a tree with more in it, or a commit that has such a tree. */
  sha: string;
  /** It is kept for as long as directory `n` holds it. */
  hold(n: number): void;
  /** Drops what none of these directories holds. */
  tidy(trees: number[]): Promise<void>;
}

interface Made {
  tree: string;
  /** Of the submodules that are in it. */
  commits: string[];
  /** Of files of LFS that are in it. */
  oids: string[];
  /** Files that are not converted: paths in the published tree, quoted as git prints them. */
  verbatim: string[];
}

interface Job extends ContentCall {
  store: ContentStore;
}

const NO_FILES = { grafts: [], oids: [], verbatim: [] };
const MAX_DEPTH = 8;
const REMEMBERED = 1000;

/** Trees with the files of submodules and of Git LFS in them. */
export function createContents(tools: {
  git: RunGit;
  layout: Layout;
  timeoutMs: number;
  submodules: Submodules;
  lfs: LfsFiles;
}) {
  const { submodules, lfs } = tools;
  /** Trees of submodules, by where they are and what they are made of. */
  const known = new Map<string, Made>();

  async function make(job: Job, parent: Parent, commit: string, within: string[]): Promise<Made> {
    const { store, options } = job;
    const prefix = within.map((path) => `${path}/`).join("");
    const all = options.submodules === "no" ? [] : await store.submodules(commit);
    const wanted = all.filter(({ path }) => isWanted(prefix + path, options.paths));
    const origins = wanted.map((submodule) => submodules.origin(submodule, parent, job.repository));
    for (const [n, submodule] of wanted.entries()) await submodules.bring(store, submodule, origins[n]!);
    const commits = wanted.map((submodule) => submodule.commit);
    const [tree] = await store.treesOf([commit]);
    const paths = pathsBelow(prefix, options.paths);
    const files =
      options.lfs && paths ? await lfs.bring(job, { parent, tree: tree!, paths, prefix }) : NO_FILES;
    const grafts: Graft[] = [...files.grafts];
    const [oids, verbatim] = [[...files.oids], [...files.verbatim]];
    for (const [n, { path, commit: sha }] of wanted.entries()) {
      const inner = await inside(job, origins[n]!, sha, [...within, path]);
      commits.push(...inner.commits);
      oids.push(...inner.oids);
      verbatim.push(...inner.verbatim);
      grafts.push({ mode: "040000", path: quotedPath(path), sha: inner.tree });
    }
    const made = grafts.length === 0 ? tree! : await store.graft(tree!, grafts);
    return { tree: made, commits, oids, verbatim };
  }

  async function inside(job: Job, parent: Parent, commit: string, within: string[]): Promise<Made> {
    const label = `submodule ${JSON.stringify(within.join("/"))}`;
    if (within.length > MAX_DEPTH)
      throw new RefreshError("submodule_refused", `${label} is nested more than ${MAX_DEPTH} deep`);
    const { base, options } = job;
    const key = JSON.stringify([base, options, within, parent.owner, parent.name, commit]);
    const found = known.get(key);
    if (found) return found;
    const goesOn = options.submodules === "recursive";
    const made = await make(
      goesOn ? job : { ...job, options: { ...options, submodules: "no" } },
      parent,
      commit,
      within,
    );
    if (known.size >= REMEMBERED) known.clear();
    known.set(key, made);
    return made;
  }

  function forget(base: string): void {
    known.clear();
    toTrash(tools.layout, storeDir(base));
  }

  async function contentOf(call: ContentCall): Promise<Content> {
    const store = openContentStore(tools.git, { ...call, timeoutMs: tools.timeoutMs });
    const root = { ...call.repository, isOurs: true };
    const { tree, commits, oids, verbatim } = await make({ ...call, store }, root, call.commit, []);
    const sha = await store.exempt(tree, verbatim);
    return {
      sha,
      hold: (n) => store.hold(n, sha),
      async tidy(trees) {
        const isDue = call.options.lfs && lfs.isDue(store.dir, oids);
        if (!(await store.tidy({ trees, commits: new Set(commits) }, isDue))) return;
        known.clear();
        if (call.options.lfs) await lfs.tidied(store, oids);
      },
    };
  }

  return {
    /** @throws RefreshError that names what cannot be had */
    async of(call: ContentCall): Promise<Content> {
      if (isMore(call.options)) return contentOf(call);
      if (existsSync(storeDir(call.base))) forget(call.base);
      return { sha: call.commit, hold() {}, async tidy() {} };
    },
    /** Forgets what was brought, where that may mend a failure. @returns whether to try again */
    mends(error: unknown, { base, options, signal }: Omit<ContentCall, "commit">): boolean {
      const failure = asRefreshError(error);
      const isElsewhere = failure.is("outsideTheTree") || ["after", "never"].includes(failure.retry.kind);
      if (!isMore(options) || signal.aborted || isElsewhere) return false;
      forget(base);
      return true;
    },
  };
}

export type Contents = ReturnType<typeof createContents>;

/** Whether a tree may hold more than its commit's own files. */
export const isMore = ({ submodules, lfs }: TreeOptions): boolean => submodules !== "no" || lfs;

/** Whether anything below the path is published, or anything that it is below of. */
const isWanted = (path: string, paths: readonly string[]): boolean =>
  paths.length === 0 || paths.some((one) => `${one}/`.startsWith(`${path}/`) || path.startsWith(`${one}/`));

/** The paths as a submodule at `prefix` has them; null: nothing in it is published. */
function pathsBelow(prefix: string, paths: readonly string[]): string[] | null {
  if (paths.length === 0 || paths.some((path) => prefix.startsWith(`${path}/`))) return [];
  const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return below.length > 0 ? below : null;
}
