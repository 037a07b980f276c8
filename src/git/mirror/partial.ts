import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Extent } from "../../base/model.js";
import type { GitCall, RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";

/** Takes objects alone: no tags along, no FETCH_HEAD, no gc. */
export const FETCH_OPTIONS = ["--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];

/**
 * How a fetch asks GitHub for no more than a mirror is to have. A filter needs a promisor remote (partial-clone
 * in git's Documentation/technical): it is one for this call alone, since git fetches what is missing at any
 * read, and refuses to tidy, where the configuration names one.
 */
export function asking({ url }: Pick<Lease, "url">, { depth, filter }: Extent) {
  const options = depth === null ? FETCH_OPTIONS : [...FETCH_OPTIONS, `--depth=${depth}`];
  if (filter === null) return { options, from: url, config: {} };
  const remote = {
    "remote.github.url": url,
    "remote.github.promisor": "true",
    "remote.github.partialclonefilter": filter,
    "remote.github.followRemoteHEAD": "never",
  };
  return { options, from: "github", config: remote };
}

/**
 * Of a promisor's answer git only looks at the first objects: that all commits and trees are there is for us
 * to find out.
 * @param revisions such as `--all`
 * @throws RefreshError `corrupt`
 */
export async function requireTrees(
  git: RunGit,
  call: Omit<GitCall, "args">,
  revisions: string[],
): Promise<void> {
  // git rev-list --objects --filter=blob:none --quiet <revisions>
  await git({ ...call, args: ["rev-list", "--objects", "--filter=blob:none", "--quiet", ...revisions] });
}

/** Packs as a promisor's are never dropped by git, whether anything leads to what is in them or not. */
export function dropMarks(mirror: string): void {
  const packs = join(mirror, "objects", "pack");
  for (const name of readdirSync(packs))
    if (name.endsWith(".promisor")) rmSync(join(packs, name), { force: true });
}
