import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RefChange, Scope } from "../../base/model.js";
import { syncTree } from "../../machine/durable.js";
import { syncFileSystem } from "../../machine/sync.js";
import { ownership, writeMarker } from "../disk/layout.js";
import { swapIn } from "../disk/swap.js";
import { missingRefOf } from "../run/failure.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { fetchBlobs } from "./blobs.js";
import { carryOver, type Judge } from "./carry.js";
import type { MirrorOptions, RunContext } from "./options.js";
import { HIDE_OWN_REFS } from "./own-refs.js";
import { asking, dropMarks, requireTrees } from "./partial.js";

/** What to clone, and how. */
export interface CloneOf {
  id: number;
  lease: Lease;
  defaultBranch: string;
  run: RunContext;
  judge: Judge;
}

/**
 * Nothing needs a clone before it is finished; then the whole file system is synced, once. Packs are synced
 * before, within the time that git has.
 */
const UNSYNCED = { "core.fsync": "-reference,-loose-object" };

/**
 * Makes a first clone, or a rebuild: beside the mirror, packed, marked, then swapped in. A half-done clone is
 * never seen under the mirror's name.
 * @returns the differences from the previous mirror
 */
export async function cloneMirror(tools: MirrorOptions, clone: CloneOf): Promise<RefChange[]> {
  const { id, defaultBranch, run, judge } = clone;
  const { git, layout } = tools;
  const scope = tools.scopeOf(id);
  const beside = join(layout.repository(id), `clone-${randomBytes(8).toString("hex")}`);
  const local = { gitDir: beside, timeoutMs: tools.cloneTimeoutMs, signal: run.signal, config: UNSYNCED };
  try {
    // git init --bare --template= <dir>; an empty template leaves out the sample hooks
    await git({
      ...local,
      gitDir: null,
      args: ["init", "--bare", "--template=", `--initial-branch=${defaultBranch}`, beside],
    });
    await git({ ...local, args: ["config", ...HIDE_OWN_REFS] });
    await fetchAll(tools, beside, clone, scope);
    if (scope.filter !== null) {
      dropMarks(beside);
      await requireTrees(git, local, ["--all"]);
    }
    await run.confirmName?.();
    const mirror = layout.mirror(id);
    const old = ["ours", "broken"].includes(ownership(mirror, id)) ? mirror : null;
    const call = { timeoutMs: tools.cloneTimeoutMs, signal: run.signal };
    const into = { repositoryDir: layout.repository(id), mirror: beside, call };
    const supply = (blobs: string[]) => fetchBlobs(git, clone.lease, { ...into, blobs });
    const published = tools.published(id);
    const recorded = tools.keptRecord.of(id);
    const { changes, kept, record } = await carryOver(
      { git, beside, old, extent: scope, published, recorded, supply, call },
      judge,
    );
    // git pack-refs --all: loose refs are six times as slow at 50,000
    await git({ ...local, args: ["pack-refs", "--all"] });
    await writeMarker(beside, id, scope);
    if (!(await syncFileSystem(beside, { timeoutMs: tools.cloneTimeoutMs }))) await syncTree(beside);
    await swapIn(layout, beside, mirror);
    await tools.keptRecord.replace(id, kept);
    record();
    return changes;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/**
 * Fetches every ref of the scope. A pattern without `*` that the repository does not have would fail the
 * whole fetch, so such a pattern is left out.
 */
async function fetchAll(tools: MirrorOptions, gitDir: string, { lease, run }: CloneOf, scope: Scope) {
  for (let wanted = scope.refspecs; wanted.length > 0; ) {
    try {
      // git fetch --progress --no-tags [--depth=<n>] <url> +refs/heads/*:refs/heads/* …
      const { options, from, config: remote } = asking(lease, scope);
      const specs = wanted.map((pattern) => `+${pattern}:${pattern}`);
      await askRemote(tools.git, lease, {
        args: ["fetch", "--progress", ...options, from, ...specs],
        gitDir,
        config: { ...remote, ...UNSYNCED },
        timeoutMs: tools.cloneTimeoutMs,
        signal: run.signal,
        ...(run.onProgress ? { onProgress: run.onProgress } : {}),
      });
      return;
    } catch (error) {
      const absent = missingRefOf(error);
      if (absent === null || !wanted.includes(absent)) throw error;
      wanted = wanted.filter((pattern) => pattern !== absent);
    }
  }
}
