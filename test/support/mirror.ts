import { join } from "node:path";
import { createGit } from "../../src/git/exec.js";
import { createLayout } from "../../src/git/layout.js";
import { createProcesses } from "../../src/git/processes.js";
import { createUpkeep } from "../../src/git/upkeep.js";
import { commits, PATH, plainGit } from "./git.js";
import { tempDir } from "./temp.js";

/** For calls that nobody cuts off. */
export const never: AbortSignal = new AbortController().signal;

/** A mirror with so many commits on main, and its upkeep. */
export function mirrorWith(count: number, options: { binary?: string; timeoutMs?: number } = {}) {
  const id = 7;
  const dataDir = tempDir();
  const layout = createLayout(dataDir);
  const dir = layout.mirror(id);
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main", dir);
  if (count > 0) commits(dir, "main", count);
  const processes = createProcesses(join(dataDir, "run"));
  const git = createGit({ binary: options.binary ?? "git", path: PATH, processes });
  return { id, dir, dataDir, upkeep: createUpkeep({ git, layout, timeoutMs: options.timeoutMs ?? 60_000 }) };
}
