import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RefChange, RefusedRef } from "../../base/model.js";
import { syncTree } from "../../machine/durable.js";
import { syncFileSystem } from "../../machine/sync.js";
import { clearLeftovers } from "../disk/heal.js";
import { ownership, writeMarker } from "../disk/layout.js";
import { swapIn } from "../disk/swap.js";
import type { Lease } from "../transport/lease.js";
import { fetchBlobs } from "./blobs.js";
import { carryOver, type Judge } from "./carry.js";
import { fetchEveryRef } from "./fetch-refs.js";
import type { MirrorOptions, RunContext } from "./options.js";
import { hideInNew } from "./own-refs.js";
import { dropMarks, requireTrees } from "./partial.js";

/** What to clone, and how. */
export interface CloneOf {
  id: number;
  lease: Lease;
  defaultBranch: string;
  run: RunContext;
  judge: Judge;
}

export interface Cloned {
  /** The differences from the previous mirror. */
  changes: RefChange[];
  /** The refs of GitHub's that the mirror could not be given. */
  refused: RefusedRef[];
}

/**
 * Nothing needs a clone before it is finished; then the whole file system is synced, once. Packs are synced
 * before, within the time that git has.
 */
const UNSYNCED = { "core.fsync": "-reference,-loose-object" };

/**
 * Makes a first clone, or a rebuild: beside the mirror, packed, marked, then swapped in. A half-done clone is
 * never seen under the mirror's name.
 */
export async function cloneMirror(options: MirrorOptions, clone: CloneOf): Promise<Cloned> {
  const { id, defaultBranch, run, judge } = clone;
  const tools: MirrorOptions = { ...options, git: (call) => options.git({ urgency: "clone", ...call }) };
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
    await hideInNew(beside);
    const fetch = { gitDir: beside, lease: clone.lease, run, scope, config: UNSYNCED };
    const lend = run.lend ?? ((wait) => wait());
    const refused = await lend(() => fetchEveryRef(tools, fetch));
    if (scope.filter !== null) {
      dropMarks(beside);
      await requireTrees(git, local);
    }
    const mirror = layout.mirror(id);
    const old = ["ours", "broken"].includes(ownership(mirror, id)) ? mirror : null;
    const confirmName = () => lend(async () => run.confirmName?.());
    // What is carried over from an old mirror must not change any more, so that nobody looks at it then.
    if (old !== null) await confirmName();
    const call = { timeoutMs: tools.cloneTimeoutMs, signal: run.signal };
    const into = { repositoryDir: layout.repository(id), mirror: beside, call };
    const supply = (blobs: string[]) => fetchBlobs(git, clone.lease, { ...into, blobs });
    const published = tools.published(id);
    const recorded = await tools.keptRecord.of(id);
    const { changes, kept, record } = await carryOver(
      { git, beside, old, extent: scope, published, recorded, supply, call },
      judge,
    );
    // A fetch that was tried twice may have left part of a pack.
    await clearLeftovers(beside);
    // git pack-refs --all: loose refs are six times as slow at 50,000
    await git({ ...local, args: ["pack-refs", "--all"] });
    await writeMarker(beside, id, scope);
    if (!(await syncFileSystem(beside, { timeoutMs: tools.cloneTimeoutMs }))) await syncTree(beside);
    if (old === null) await confirmName();
    await swapIn(layout, beside, mirror);
    await tools.keptRecord.replace(id, kept);
    await record();
    return { changes, refused };
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
