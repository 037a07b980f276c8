import { missingOf } from "../../mirror/blobs.js";
import { runInStore, type StoreContext } from "./context.js";

/** @returns the tree of each commit */
export async function readTreesOf(store: StoreContext, commits: string[]): Promise<string[]> {
  if (commits.length === 0) return [];
  // git rev-parse <commit>^{tree} …
  const { stdout } = await runInStore(store, ["rev-parse", ...commits.map((commit) => `${commit}^{tree}`)]);
  return stdout.trim().split("\n");
}

/** Stores files unconverted. @returns the object of each */
export async function takeIn(store: StoreContext, files: string[]): Promise<string[]> {
  // git hash-object -w --no-filters --stdin-paths; files of LFS are mostly compressed already
  const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
  const more = { input: `${files.join("\n")}\n`, config: { "core.compression": "0" } };
  return (await runInStore(store, args, more)).stdout.trim().split("\n");
}

/** @returns which of the objects exist */
export async function findPresent({ git, call }: StoreContext, objects: string[]): Promise<Set<string>> {
  const missing = new Set(await missingOf(git, call, objects));
  return new Set(objects.filter((object) => !missing.has(object)));
}
