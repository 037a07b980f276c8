import { RefreshError } from "../base/errors.js";
import type { TreeOptions } from "../config/checkouts.js";
import { quotedPath } from "../git/run/path-bytes.js";
import type { Target } from "../git/transport/upstream.js";
import type { ContentStore, Graft } from "../git/tree/content-store.js";
import type { LfsFiles } from "./lfs/files.js";
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
}

/** The tools that build trees. */
export interface Maker {
  submodules: Submodules;
  lfs: LfsFiles;
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

const NO_FILES = { grafts: [], oids: [], verbatim: [], notes: [] };
const MAX_DEPTH = 8;
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
  const [oids, verbatim, notes] = [[...files.oids], [...files.verbatim], [...files.notes]];
  for (const origin of origins) {
    const { path } = origin.submodule;
    const inner = await makeSubmodule(maker, job, origin, [...within, path]);
    commits.push(...inner.commits);
    oids.push(...inner.oids);
    verbatim.push(...inner.verbatim);
    notes.push(...inner.notes);
    grafts.push({ mode: "040000", path: quotedPath(path), sha: inner.tree });
  }
  const made = grafts.length === 0 ? tree! : await store.graft(tree!, grafts);
  return { tree: made, commits, oids, verbatim, notes };
}

async function makeSubmodule(maker: Maker, job: Job, origin: Origin, within: string[]): Promise<Made> {
  const { known } = maker;
  const { commit } = origin.submodule;
  const label = `submodule ${JSON.stringify(within.join("/"))}`;
  if (within.length > MAX_DEPTH)
    throw new RefreshError("submodule_refused", `${label} is nested more than ${MAX_DEPTH} deep`);
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

/** Whether the path, a path below it or a directory above it is published. */
const isWanted = (path: string, paths: readonly string[]): boolean =>
  paths.length === 0 || paths.some((one) => `${one}/`.startsWith(`${path}/`) || path.startsWith(`${one}/`));

/** Translates the paths for a submodule at `prefix`; null when nothing in the submodule is published. */
function pathsBelow(prefix: string, paths: readonly string[]): string[] | null {
  if (paths.length === 0 || paths.some((path) => prefix.startsWith(`${path}/`))) return [];
  const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return below.length > 0 ? below : null;
}
