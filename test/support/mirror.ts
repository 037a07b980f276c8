import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLayout, MARKER } from "../../src/git/disk/layout.js";
import { dropMarks } from "../../src/git/mirror/partial.js";
import { createUpkeep } from "../../src/git/mirror/upkeep.js";
import { createGit } from "../../src/git/run/exec.js";
import { createProcesses } from "../../src/machine/processes.js";
import { commits, PATH, plainGit } from "./git.js";
import { tempDir } from "./temp.js";

/** A signal for calls that are never cancelled. */
export const never: AbortSignal = new AbortController().signal;

interface Options {
  binary?: string;
  timeoutMs?: number;
  /** Leaves out the contents of these commits' files. */
  partial?: boolean;
}

function fetchPart(dir: string, id: number, count: number): void {
  const source = join(tempDir(), "source.git");
  plainGit(source, "init", "-q", "--bare", "--initial-branch=main", source);
  plainGit(source, "config", "uploadpack.allowFilter", "true");
  if (count > 0) commits(source, "main", count);
  const remote = { url: source, promisor: "true", partialclonefilter: "blob:none" };
  const config = Object.entries(remote).flatMap(([key, value]) => ["-c", `remote.github.${key}=${value}`]);
  plainGit(dir, ...config, "fetch", "-q", "--no-write-fetch-head", "github", "+refs/heads/*:refs/heads/*");
  dropMarks(dir);
  const marker = { program: "lockstep", version: 1, repositoryId: id, filter: "blob:none" };
  writeFileSync(join(dir, MARKER), JSON.stringify(marker));
}

/** A mirror with this many commits on main, and its maintenance. */
export function mirrorWith(count: number, options: Options = {}) {
  const id = 7;
  const dataDir = tempDir();
  const layout = createLayout(dataDir);
  const dir = layout.mirror(id);
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main", dir);
  if (options.partial) fetchPart(dir, id, count);
  else if (count > 0) commits(dir, "main", count);
  const processes = createProcesses(join(dataDir, "run"));
  const git = createGit({ binary: options.binary ?? "git", path: PATH, processes });
  return { id, dir, dataDir, upkeep: createUpkeep({ git, layout, timeoutMs: options.timeoutMs ?? 60_000 }) };
}
