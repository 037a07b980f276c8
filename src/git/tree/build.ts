import { mkdirSync, rmSync } from "node:fs";
import { deleteAll } from "../disk/permissions.js";
import { indexOf, treeDir } from "./place.js";
import { verifyTree } from "./verify.js";
import { prepareTree, runInTree, type TreeWork } from "./work.js";

/** Writes the whole tree again, and verifies all of it. @throws RefreshError */
export async function buildTree(work: TreeWork, commit: string): Promise<void> {
  const { place } = work;
  await prepareTree(work, [commit]);
  await deleteAll(treeDir(place));
  rmSync(indexOf(place), { force: true });
  mkdirSync(treeDir(place), { recursive: true, mode: 0o750 });
  // git read-tree -m -u <commit>, with an empty index
  await runInTree(work, ["read-tree", "-m", "-u", commit]);
  await verifyTree(work, commit, []);
}
