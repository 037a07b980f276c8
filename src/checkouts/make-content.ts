import type { TreeOptions } from "../config/checkouts.js";
import { quotedPath } from "../git/run/path-bytes.js";
import type { Target } from "../git/transport/upstream.js";
import type { ContentStore, Graft } from "../git/tree/content-store.js";
import { NO_TOTALS, requireWithin, type TreeBudget } from "./budget.js";
import type { LfsFiles } from "./lfs/files.js";
import { isWanted, pathsBelow } from "./paths.js";
import type { Origin, Parent, Submodules } from "./submodules.js";

/** The repositories that a tree is built from. */
export interface ContentCall {
  repository: Target;
  /** The directory of the checkout's trees. */
  base: string;
  mirror: string;
  commit: string;
  options: TreeOptions;
  signal: AbortSignal;
}

/** A tree that contains submodules and files of LFS. */
export interface Made {
  tree: string;
  /** The commits of its submodules. */
  commits: string[];
  /** The git objects of its LFS files. */
  oids: string[];
  /** Paths in the published tree that are not converted, quoted as git prints them. */
  verbatim: string[];
  /** What readers of the tree should know. */
  notes: string[];
  /** The bytes of its LFS files. */
  lfsBytes: number;
}

/** The tools that build trees. */
export interface Maker {
  submodules: Submodules;
  lfs: LfsFiles;
  budget: TreeBudget;
  /** Trees of submodules, by path and by what they are built from. */
  known: Map<string, Made>;
}

export interface Job extends ContentCall {
  store: ContentStore;
}

/** The repository whose commit is written, and its path in the published tree. */
interface Part {
  parent: Parent;
  commit: string;
  /** The paths of the enclosing submodules, outermost first. */
  within: string[];
}

const NO_FILES = { grafts: [], oids: [], verbatim: [], notes: [], bytes: 0 };
const MAX_REMEMBERED = 1000;

/** @throws RefreshError that names the content that is not available */
export async function makeContent(maker: Maker, job: Job, part: Part): Promise<Made> {
  const { submodules, lfs } = maker;
  const { store, options } = job;
  const { parent, commit, within } = part;
  const prefix = within.map((path) => `${path}/`).join("");
  const all = options.submodules === "no" ? [] : await store.submodules(commit);
  const wanted = all.filter(({ path }) => isWanted(prefix + path, options.paths));
  const origins = wanted.map((submodule) => submodules.origin(submodule, parent, job.repository));
  for (const [n, origin] of origins.entries())
    origins[n] = await submodules.fetch(store, origin, job.repository);
  const commits = wanted.map((submodule) => submodule.commit);
  const [tree] = await store.treesOf([commit]);
  const paths = pathsBelow(prefix, options.paths);
  const files =
    options.lfs && paths ? await lfs.fetch(job, { parent, tree: tree!, paths, prefix }) : NO_FILES;
  const grafts: Graft[] = [...files.grafts];
  let lfsBytes = files.bytes;
  const [oids, verbatim, notes] = [[...files.oids], [...files.verbatim], [...files.notes]];
  for (const origin of origins) {
    const { path } = origin.submodule;
    const inner = await makeSubmodule(maker, job, origin, [...within, path]);
    commits.push(...inner.commits);
    oids.push(...inner.oids);
    verbatim.push(...inner.verbatim);
    notes.push(...inner.notes);
    lfsBytes += inner.lfsBytes;
    requireWithin(maker.budget, { ...NO_TOTALS, bytes: lfsBytes });
    grafts.push({ mode: "040000", path: quotedPath(path), sha: inner.tree });
  }
  const made = grafts.length === 0 ? tree! : await store.graft(tree!, grafts);
  return { tree: made, commits, oids, verbatim, notes, lfsBytes };
}

async function makeSubmodule(maker: Maker, job: Job, origin: Origin, within: string[]): Promise<Made> {
  const { known } = maker;
  const { commit } = origin.submodule;
  const { base, options } = job;
  const key = JSON.stringify([base, options, within, origin.owner, origin.name, commit]);
  const found = known.get(key);
  if (found) return found;
  const isRecursive = options.submodules === "recursive";
  const inner: Job = isRecursive ? job : { ...job, options: { ...options, submodules: "no" } };
  const make = (parent: Parent) => makeContent(maker, inner, { parent, commit, within });
  const made = await make(origin).catch(async (error: unknown) => {
    const now = await maker.submodules.follow(error, origin, job.repository);
    if (now === null) throw error;
    return make(now);
  });
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(key, made);
  return made;
}
