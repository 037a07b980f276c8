import type { Recount } from "../git/tree/recount.js";
import { NO_TOTALS, plus, requireWithin, type Totals, type TreeBudget } from "./budget.js";
import type { Job } from "./make-content.js";
import { isWanted, pathsBelow } from "./paths.js";
import type { Parent, Submodules } from "./submodules.js";

interface Counter {
  recount: Recount;
  submodules: Submodules;
  budget: TreeBudget;
  job: Job;
  /** What parts have that were counted before. */
  counted: Map<string, Totals>;
}

interface Part {
  parent: Parent;
  commit: string;
  /** The published paths in the part; none: all. */
  paths: readonly string[];
  /** The number of submodules around the part. */
  depth: number;
}

/**
 * Counts what a tree has, before any of it is written. A submodule that the tree has many times is counted once,
 * and the rest is arithmetic: 20 submodules at each of 8 levels are 8 counts.
 * @throws RefreshError `tree_too_large` at the first excess
 */
export async function countContent(
  tools: Omit<Counter, "counted">,
  parent: Parent,
  commit: string,
): Promise<void> {
  const counter = { ...tools, counted: new Map<string, Totals>() };
  await countPart(counter, { parent, commit, paths: tools.job.options.paths, depth: 0 });
}

async function countPart(counter: Counter, part: Part): Promise<Totals> {
  const { budget, job, counted, recount } = counter;
  const { parent, commit, paths, depth } = part;
  const { owner, name } = parent.written;
  const key = JSON.stringify([owner, name, commit, paths, expandsAt(job, depth), parent.isOfInstallation]);
  const known = counted.get(key);
  if (known) return known;
  requireWithin(budget, { ...NO_TOTALS, submodules: counted.size, depth });
  const most = { entries: budget.files, bytes: budget.bytes };
  const own = await recount(`${job.base} ${owner}/${name}`, job.store.call, { commit, paths, most });
  let totals: Totals = { ...NO_TOTALS, files: own.entries, bytes: own.bytes };
  requireWithin(budget, totals);
  for (const inner of expandsAt(job, depth) ? await findParts(counter, part) : []) {
    totals = plus(totals, await countPart(counter, inner), 1);
    requireWithin(budget, totals);
  }
  counted.set(key, totals);
  return totals;
}

const expandsAt = ({ options }: Job, depth: number): boolean =>
  options.submodules === "recursive" || (options.submodules === "yes" && depth === 0);

async function findParts(
  { submodules, job }: Counter,
  { parent, commit, paths, depth }: Part,
): Promise<Part[]> {
  const parts: Part[] = [];
  for (const submodule of await job.store.submodules(commit)) {
    if (!isWanted(submodule.path, paths)) continue;
    const origin = await submodules.fetch(
      job.store,
      submodules.origin(submodule, parent, job.repository),
      job.repository,
    );
    const inner = pathsBelow(`${submodule.path}/`, paths) ?? [];
    parts.push({ parent: origin, commit: submodule.commit, paths: inner, depth: depth + 1 });
  }
  return parts;
}
