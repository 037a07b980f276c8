import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Extent } from "../../base/model.js";
import type { GitCall, RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";

/** The fetch takes objects alone: no extra tags, no FETCH_HEAD, no gc. */
export const FETCH_OPTIONS = ["--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];

/**
 * Returns how a fetch asks GitHub for no more than the mirror's extent.
 * A filter needs a promisor remote (partial-clone in git's Documentation/technical). The remote is a promisor
 * for this call alone: where the configuration names a promisor, git fetches missing objects at any read, and
 * refuses to tidy.
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

const REQUIRE = ["rev-list", "--objects", "--filter=blob:none", "--quiet"];

/**
 * Requires all commits and trees of every ref. Of a promisor's answer git only checks the first objects.
 * @throws RefreshError `corrupt`
 */
export async function requireTrees(git: RunGit, call: Omit<GitCall, "args">): Promise<void> {
  // git rev-list --objects --filter=blob:none --quiet --all
  await git({ ...call, args: [...REQUIRE, "--all"] });
}

/** Requires what a fetch has brought for these commits beyond the bases of its scratch directory. @throws RefreshError `corrupt` */
export async function requireFetchedTrees(
  git: RunGit,
  call: Omit<GitCall, "args">,
  commits: string[],
): Promise<void> {
  // git rev-list --objects --filter=blob:none --quiet --stdin --not --glob=refs/base/*
  const args = [...REQUIRE, "--stdin", "--not", "--glob=refs/base/*"];
  await git({ ...call, args, input: `${commits.join("\n")}\n` });
}

/**
 * Removes promisor marks: git never drops a pack with such a mark, whether anything leads to its objects or
 * not.
 */
export function dropMarks(mirror: string): void {
  const packs = join(mirror, "objects", "pack");
  for (const name of readdirSync(packs))
    if (name.endsWith(".promisor")) rmSync(join(packs, name), { force: true });
}
