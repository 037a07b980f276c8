import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, GitResult, RunGit } from "./exec.js";
import type { Lease } from "./gateway.js";
import { type Layout, swapIn, writeMarker } from "./layout.js";
import { readRefs } from "./refs.js";

export interface MirrorOptions {
  git: RunGit;
  layout: Layout;
  refspecs: readonly string[];
  fetchTimeoutMs: number;
  cloneTimeoutMs: number;
}

export interface RunContext {
  signal: AbortSignal;
  onProgress?: (line: string) => void;
}

interface CloneTools extends MirrorOptions {
  remote(lease: Lease, call: GitCall): Promise<GitResult>;
}

interface CloneOf {
  id: number;
  lease: Lease;
  defaultBranch: string;
  run: RunContext;
}

/**
 * A first clone, or a rebuild: made beside, packed, marked, then swapped in. What is half done is never
 * seen under the mirror's name. @returns its tips.
 */
export async function cloneMirror(tools: CloneTools, { id, lease, defaultBranch, run }: CloneOf) {
  const { git, layout, refspecs } = tools;
  const beside = join(layout.repository(id), `clone-${randomBytes(8).toString("hex")}`);
  const local = { gitDir: beside, timeoutMs: tools.cloneTimeoutMs, signal: run.signal };
  try {
    // git init --bare --template= <dir>; an empty template leaves no sample hooks
    await git({
      ...local,
      gitDir: null,
      args: ["init", "--bare", "--template=", `--initial-branch=${defaultBranch}`, beside],
    });
    // git fetch --progress --no-tags <url> +refs/heads/*:refs/heads/* …
    const fetchOptions = ["--progress", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
    await tools.remote(lease, {
      ...local,
      args: ["fetch", ...fetchOptions, lease.url, ...refspecs.map((pattern) => `+${pattern}:${pattern}`)],
      ...(run.onProgress ? { onProgress: run.onProgress } : {}),
    });
    // git pack-refs --all: loose refs are six times as slow at 50,000
    await git({ ...local, args: ["pack-refs", "--all"] });
    const tips = await readRefs(git, beside, [], run.signal);
    writeMarker(beside, id);
    swapIn(beside, layout.mirror(id));
    return tips;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
