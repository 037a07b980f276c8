import { commitOf } from "../verbatim.js";
import { runInStore, type StoreContext } from "./context.js";

/** A graft is a tree or a file that replaces what a tree has at a path. */
export interface Graft {
  mode: "040000" | "100644" | "100755";
  /** The path as git prints it: quoted where necessary. */
  path: string;
  sha: string;
}

const COMMITTER = "committer Lockstep <lockstep@localhost> 0 +0000";

/** @returns the tree with the grafts in it */
export async function graftInto(store: StoreContext, tree: string, grafts: Graft[]): Promise<string> {
  const lines = grafts.map(({ mode, sha, path }) => `M ${mode} ${sha} ${path}\n`);
  const head = `commit refs/content/new\n${COMMITTER}\ndata 0\nM 040000 ${tree} \n`;
  // git fast-import reads and writes only the directories on the way to the grafts.
  const { stdout } = await runInStore(store, ["fast-import", "--quiet", "--force"], {
    input: `${head}${lines.join("")}ls ""\n`,
  });
  return /^040000 tree ([\da-f]+)/m.exec(stdout)![1]!;
}

/** @returns what to write so that these files, quoted as git prints them, are not converted */
export async function exemptPaths(store: StoreContext, tree: string, paths: string[]): Promise<string> {
  if (paths.length === 0) return tree;
  // git hash-object -t commit -w --stdin
  const args = ["hash-object", "-t", "commit", "-w", "--stdin"];
  return (await runInStore(store, args, { input: commitOf(tree, paths) })).stdout.trim();
}
