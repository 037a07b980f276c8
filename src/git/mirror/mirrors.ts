import { mkdirSync } from "node:fs";
import { RefreshError } from "../../base/errors.js";
import { type RefChange, ZERO } from "../../base/model.js";
import { clearHalfWork, clearLeftovers } from "../disk/heal.js";
import { condemn, extentOf, finishSwap, isCondemned, ownership } from "../disk/layout.js";
import type { Lease } from "../transport/lease.js";
import { isAncestor, mayBeAncestor } from "./ancestry.js";
import type { Judge } from "./carry.js";
import { type CloneOf, cloneMirror } from "./clone.js";
import { fetchObjects } from "./fetch.js";
import { type Keep, type KeptTip, readKept } from "./kept.js";
import { createMemory, forgetMirror, type MirrorContext } from "./memory.js";
import type { MirrorOptions, RunContext } from "./options.js";
import { swapRefs } from "./refs.js";
import { readRemoteRefs, readRemoteTips } from "./remote-tips.js";
import { changeTips, readTip, readTipsInside, readTipsOutside } from "./tips.js";

export type { RunContext } from "./options.js";

/** The mirrors of this DATA_DIR. The caller promises one writer at a time per repository. */
export interface Mirrors {
  /**
   * Heals what a killed git left, once per process. @returns false: no mirror exists, so clone one @throws
   * `foreign`
   */
  ensure(id: number): boolean;
  /** Whether the mirror has exactly its wanted extent; if not, a clone gives it that extent. */
  hasWantedExtent(id: number): boolean;
  /** @returns the differences from the previous mirror */
  clone(id: number, lease: Lease, defaultBranch: string, run: RunContext, judge: Judge): Promise<RefChange[]>;
  /**
   * Returns the ref's object, ZERO when the ref does not exist. The answer is cached: only Lockstep writes
   * refs, by compare and swap.
   */
  tip(id: number, ref: string): Promise<string>;
  tips(id: number, signal?: AbortSignal): Promise<Map<string, string>>;
  /** Returns refs outside the mirror's scope, without Lockstep's own. */
  outside(id: number, signal?: AbortSignal): Promise<Map<string, string>>;
  /** Returns GitHub's tips inside the mirror's scope. */
  remoteTips(id: number, lease: Lease, run: RunContext): Promise<Map<string, string>>;
  /** Returns GitHub's tips of these refs; refs that GitHub does not have are missing. */
  remoteRefs(lease: Lease, refs: readonly string[], run: RunContext): Promise<Map<string, string>>;
  /** Brings objects, by object name. @returns the object of each, in the same order */
  fetch(id: number, lease: Lease, wants: string[], bases: string[], run: RunContext): Promise<string[]>;
  /** @returns the tips that the changes kept */
  apply(id: number, changes: RefChange[], keep?: Keep): Promise<KeptTip[]>;
  /** Returns the kept tips, oldest first. */
  kept(id: number, signal?: AbortSignal): Promise<KeptTip[]>;
  dropKept(id: number, tips: KeptTip[]): Promise<void>;
  setHead(id: number, defaultBranch: string): Promise<void>;
  isAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /**
   * In a shallow mirror, also true where history ends before the answer is known and dates do not rule it
   * out.
   */
  mayBeAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /** Forgets what is known of the mirror, and clears leftovers before its next use. */
  distrust(id: number): void;
  /** Whether `ensure` would neither clear anything nor ask for a clone. */
  trusts(id: number): boolean;
  /** Marks the mirror as proven corrupt: it serves until a clone replaces it, also after a restart. */
  condemn(id: number): void;
}

const LOCAL_TIMEOUT_MS = 120_000;

export function createMirrors(options: MirrorOptions): Mirrors {
  const { git, layout } = options;
  const context: MirrorContext = { ...options, memory: createMemory() };
  const callOn = (id: number) => ({ gitDir: layout.mirror(id), timeoutMs: LOCAL_TIMEOUT_MS });
  const isShallow = (id: number) => extentOf(layout.mirror(id)).depth !== null;

  return {
    ensure: (id) => ensureMirror(context, id),
    hasWantedExtent: (id) => hasWantedExtent(context, id),
    clone: (id, lease, defaultBranch, run, judge) =>
      replaceMirror(context, { id, lease, defaultBranch, run, judge }),
    tip: (id, ref) => readTip(context, id, ref),
    tips: (id, signal) => readTipsInside(context, id, signal),
    outside: (id, signal) => readTipsOutside(context, id, signal),
    remoteTips: (id, lease, run) => readRemoteTips(context, id, lease, run),
    remoteRefs: (lease, refs, run) => readRemoteRefs(context, lease, refs, run),
    fetch: (id, lease, wants, bases, run) => fetchObjects(context, id, lease, wants, bases, run),
    apply: (id, changes, keep) => changeTips(context, id, changes, keep),
    kept: (id, signal) => readKept(git, layout.mirror(id), signal),
    dropKept: (id, tips) => dropKept(context, id, tips),
    setHead: (id, defaultBranch) => setHead(context, id, defaultBranch),
    isAncestor: (id, ...commits) => isAncestor(git, callOn(id), ...commits),
    mayBeAncestor: (id, ...commits) =>
      (isShallow(id) ? mayBeAncestor : isAncestor)(git, callOn(id), ...commits),
    distrust: (id) => forgetMirror(context.memory, id),
    trusts: (id) => context.memory.tips.has(id) && !isCondemned(layout.mirror(id)),
    condemn: (id) => condemn(layout.mirror(id)),
  };
}

function ensureMirror({ layout, memory }: MirrorContext, id: number): boolean {
  const mirror = layout.mirror(id);
  if (!memory.tips.has(id)) {
    finishSwap(mirror);
    clearHalfWork(layout.repository(id));
  }
  const owner = ownership(mirror, id);
  if (owner === "foreign") throw new RefreshError("foreign", `${mirror} is not a mirror that Lockstep made`);
  if (owner !== "ours") return false;
  if (!memory.tips.has(id)) {
    clearLeftovers(mirror);
    memory.tips.set(id, new Map());
  }
  return !isCondemned(mirror);
}

function hasWantedExtent({ layout, scopeOf }: MirrorContext, id: number): boolean {
  const { depth, filter } = extentOf(layout.mirror(id));
  const scope = scopeOf(id);
  return depth === scope.depth && filter === scope.filter;
}

async function replaceMirror(context: MirrorContext, clone: CloneOf): Promise<RefChange[]> {
  const { layout, memory } = context;
  const { id, defaultBranch } = clone;
  mkdirSync(layout.repository(id), { recursive: true, mode: 0o750 });
  memory.tips.delete(id);
  const changes = await cloneMirror(context, clone);
  memory.heads.set(id, defaultBranch);
  memory.tips.set(id, new Map());
  return changes;
}

function dropKept({ git, layout }: MirrorContext, id: number, tips: KeptTip[]): Promise<void> {
  const deletions = tips.map(({ name, sha }) => ({ ref: name, before: sha, after: ZERO }));
  return swapRefs(git, layout.mirror(id), deletions);
}

async function setHead({ git, layout, memory }: MirrorContext, id: number, defaultBranch: string) {
  if (memory.heads.get(id) === defaultBranch) return;
  // git symbolic-ref HEAD refs/heads/<default branch>
  await git({
    args: ["symbolic-ref", "HEAD", `refs/heads/${defaultBranch}`],
    gitDir: layout.mirror(id),
    timeoutMs: LOCAL_TIMEOUT_MS,
  });
  memory.heads.set(id, defaultBranch);
}
