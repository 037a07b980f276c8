import { mkdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, RefreshError } from "../../base/errors.js";
import { type RefChange, ZERO } from "../../base/model.js";
import { RESERVED_REFS } from "../../base/names.js";
import { mapInSlices, selectInSlices } from "../../base/slices.js";
import { clearHalfWork, clearLeftovers } from "../disk/heal.js";
import { condemn, extentOf, isCondemned, ownership } from "../disk/layout.js";
import { writeLocked } from "../disk/locked-file.js";
import { clearOldVersions, finishSwap } from "../disk/swap.js";
import type { Lease } from "../transport/lease.js";
import { areAncestors, mayBeAncestors } from "./ancestry.js";
import type { Applied } from "./apply-changes.js";
import { inBatches } from "./batches.js";
import type { Judge } from "./carry.js";
import { type Cloned, type CloneOf, cloneMirror } from "./clone.js";
import type { Pair } from "./compare-histories.js";
import { survivedBoot } from "./doubt.js";
import { fetchObjects } from "./fetch.js";
import { type Keep, type KeptTip, makeKept, readKept } from "./kept.js";
import { beginChange, createMemory, forgetMirror, generationOf, type MirrorContext } from "./memory.js";
import { answerNearby } from "./near-ancestry.js";
import { hasObjects } from "./objects.js";
import type { MirrorOptions, RunContext } from "./options.js";
import { swapRefs } from "./refs.js";
import { readRemoteRefs, readRemoteTips } from "./remote-tips.js";
import { dropServed, keepServed } from "./served.js";
import { changeTips, readTip, readTipsByName, readTipsInside, readTipsOutside } from "./tips.js";

export type { RunContext } from "./options.js";

/** The mirrors of this DATA_DIR. The caller promises one writer at a time per repository. */
export interface Mirrors {
  /**
   * Heals what a killed git left, once per process. @returns false: no mirror exists, so clone one @throws
   * `foreign`
   */
  ensure(id: number): Promise<boolean>;
  /**
   * Does what `ensure` does, and inspects a mirror that is doubted since the machine was started again.
   * @returns false: no mirror exists, or it is broken and now condemned, so clone one @throws `foreign`
   */
  ensureSound(id: number, signal: AbortSignal): Promise<boolean>;
  /** Whether the mirror has exactly its wanted extent; if not, a clone gives it that extent. */
  hasWantedExtent(id: number): boolean;
  clone(id: number, lease: Lease, defaultBranch: string, run: RunContext, judge: Judge): Promise<Cloned>;
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
  /** Brings objects, by object name. */
  fetch(id: number, lease: Lease, wants: string[], bases: string[], run: RunContext): Promise<void>;
  /** @param refusals the codes of failures that leave out a ref and no other. Default: REFUSALS */
  apply(id: number, changes: RefChange[], keep?: Keep, refusals?: readonly ErrorCode[]): Promise<Applied>;
  /** Returns the kept tips, oldest first. */
  kept(id: number, signal?: AbortSignal): Promise<KeptTip[]>;
  /** Returns the kept tip of that name; null: the mirror has none. */
  keptTip(id: number, name: string): Promise<KeptTip | null>;
  /** Returns the number of kept tips that are known, without asking git. */
  countKept(id: number): number;
  /** Keeps tips whose objects are in the mirror. */
  addKept(id: number, tips: KeptTip[]): Promise<void>;
  dropKept(id: number, tips: KeptTip[]): Promise<void>;
  /** Forgets all tips that were kept before `at`, in milliseconds since 1970, once the mirror has none of them. */
  forgetKeptBefore(id: number, at: number): Promise<void>;
  /** Keeps objects that were fetched for readers, under Lockstep's own refs. @returns the refs that were made */
  keepServed(id: number, objects: readonly string[]): Promise<RefChange[]>;
  /** Drops those of them that are old, or too many. @returns the refs that were dropped */
  dropServed(id: number): Promise<RefChange[]>;
  /** Whether the mirror has any object, also where git could not read it; a mirror that does not exist has none. */
  hasObjects(id: number): Promise<boolean>;
  setHead(id: number, defaultBranch: string): Promise<void>;
  /** Answers with one git at most what is asked at the same time; so do `tip` and `mayBeAncestor`. */
  isAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /**
   * In a shallow mirror, also true where history ends before the answer is known and dates do not rule it
   * out.
   */
  mayBeAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /** Returns a number that two calls have in common only if neither refs nor HEAD of the mirror have changed. */
  generation(id: number): number;
  /** Forgets what is known of the mirror, and clears leftovers before its next use. */
  distrust(id: number): void;
  /** Whether `ensure` would neither clear anything nor ask for a clone. */
  trusts(id: number): boolean;
  /** Marks the mirror as proven corrupt: it serves until a clone replaces it, also after a restart. */
  condemn(id: number): Promise<void>;
}

const LOCAL_TIMEOUT_MS = 120_000;

export function createMirrors(options: MirrorOptions): Mirrors {
  const { git, layout } = options;
  const context: MirrorContext = { ...options, memory: createMemory() };
  const callOn = (id: number) => ({ gitDir: layout.mirror(id), timeoutMs: LOCAL_TIMEOUT_MS });
  const isShallow = (id: number) => extentOf(layout.mirror(id)).depth !== null;
  const askTip = inBatches((id: number, refs: string[]) => readTipsByName(context, id, refs));
  const askAncestry = inBatches((id: number, pairs: Pair[]) =>
    answerNearby(context, id, pairs, (open) => areAncestors(git, callOn(id), open)),
  );
  const askPossible = inBatches((id: number, pairs: Pair[]) =>
    answerNearby(context, id, pairs, (open) =>
      (isShallow(id) ? mayBeAncestors : areAncestors)(git, callOn(id), open),
    ),
  );

  return {
    ensure: (id) => ensureMirror(context, id),
    ensureSound: async (id, signal) => (await ensureMirror(context, id)) && survivedBoot(context, id, signal),
    hasWantedExtent: (id) => hasWantedExtent(context, id),
    clone: (id, lease, defaultBranch, run, judge) =>
      replaceMirror(context, { id, lease, defaultBranch, run, judge }),
    tip: (id, ref) => readTip(context, id, ref, askTip),
    tips: (id, signal) => readTipsInside(context, id, signal),
    outside: (id, signal) => readTipsOutside(context, id, signal),
    remoteTips: (id, lease, run) => readRemoteTips(context, id, lease, run),
    remoteRefs: (lease, refs, run) => readRemoteRefs(context, lease, refs, run),
    fetch: (id, lease, wants, bases, run) => fetchObjects(context, id, lease, wants, bases, run),
    apply: (id, changes, keep, refusals) => changeTips(context, id, changes, keep, refusals),
    kept: (id, signal) => readKeptTips(context, id, signal),
    keptTip: (id, name) => readKeptTip(context, id, name),
    countKept: (id) => options.keptRecord.count(id),
    addKept: (id, tips) => addKept(context, id, tips),
    dropKept: (id, tips) => dropKept(context, id, tips),
    forgetKeptBefore: (id, at) => options.keptRecord.dropBefore(id, at),
    keepServed: (id, objects) => keepServed(context, id, objects),
    dropServed: (id) => dropServed(context, id),
    hasObjects: (id) => hasObjects(layout.mirror(id)),
    setHead: (id, defaultBranch) => setHead(context, id, defaultBranch),
    isAncestor: (id, ...pair) => askAncestry(id, pair),
    mayBeAncestor: (id, ...pair) => askPossible(id, pair),
    generation: (id) => generationOf(context.memory, id),
    distrust: (id) => forgetMirror(context.memory, id),
    trusts: (id) => context.memory.tips.has(id) && !isCondemned(layout.mirror(id)),
    condemn: (id) => condemn(layout.mirror(id)),
  };
}

async function ensureMirror({ layout, memory }: MirrorContext, id: number): Promise<boolean> {
  const mirror = layout.mirror(id);
  if (!memory.tips.has(id)) {
    finishSwap(layout, mirror);
    clearOldVersions(layout, mirror);
    await clearHalfWork(layout.repository(id));
  }
  const owner = ownership(mirror, id);
  if (owner === "foreign") throw new RefreshError("foreign", `${mirror} is not a mirror that Lockstep made`);
  if (owner !== "ours") return false;
  if (!memory.tips.has(id)) {
    await clearLeftovers(mirror);
    memory.tips.set(id, new Map());
  }
  return !isCondemned(mirror) && hasConfig(mirror);
}

/** git reads an empty configuration, as a power cut may leave it, without an error. */
const hasConfig = (mirror: string): boolean =>
  (statSync(join(mirror, "config"), { throwIfNoEntry: false })?.size ?? 0) > 0;

function hasWantedExtent({ layout, scopeOf }: MirrorContext, id: number): boolean {
  const { depth, filter } = extentOf(layout.mirror(id));
  const scope = scopeOf(id);
  return depth === scope.depth && filter === scope.filter;
}

async function replaceMirror(context: MirrorContext, clone: CloneOf): Promise<Cloned> {
  const { layout, memory } = context;
  const { id, defaultBranch } = clone;
  mkdirSync(layout.repository(id), { recursive: true, mode: 0o750 });
  memory.tips.delete(id);
  // The directory is another one afterwards, so that only the end of a clone is a change.
  const cloned = await cloneMirror(context, clone).finally(() => beginChange(memory, id)());
  memory.heads.set(id, defaultBranch);
  memory.served.set(id, new Map());
  memory.tips.set(id, new Map());
  return cloned;
}

async function addKept({ git, layout, keptRecord }: MirrorContext, id: number, tips: KeptTip[]) {
  const mirror = layout.mirror(id);
  const present = new Set((await readKept(git, mirror)).map(({ name }) => name));
  const made = await makeKept(
    git,
    mirror,
    tips.filter(({ name }) => !present.has(name)),
  );
  await keptRecord.add(id, made);
}

async function dropKept({ git, layout, keptRecord }: MirrorContext, id: number, tips: KeptTip[]) {
  const deletions = await mapInSlices(tips, ({ name, sha }) => ({ ref: name, before: sha, after: ZERO }));
  await swapRefs(git, layout.mirror(id), deletions);
  await keptRecord.drop(id, tips);
}

/** Tips that the database does not know were kept by an earlier Lockstep, or just before a kill. */
async function readKeptTips({ git, layout, keptRecord }: MirrorContext, id: number, signal?: AbortSignal) {
  const tips = await readKept(git, layout.mirror(id), signal);
  const known = new Set(await mapInSlices(await keptRecord.of(id), ({ name }) => name));
  await keptRecord.add(id, await selectInSlices(tips, ({ name }) => !known.has(name)));
  return tips;
}

async function readKeptTip(
  { git, layout }: MirrorContext,
  id: number,
  name: string,
): Promise<KeptTip | null> {
  if (!name.startsWith(RESERVED_REFS)) return null;
  const tips = await readKept(git, layout.mirror(id), undefined, name);
  return tips.find((tip) => tip.name === name) ?? null;
}

/**
 * Does what `git symbolic-ref HEAD refs/heads/<default branch>` does, which syncs nothing.
 * @throws RefreshError `corrupt` when HEAD cannot be read, `locked`
 */
async function setHead({ layout, memory }: MirrorContext, id: number, defaultBranch: string) {
  if (memory.heads.get(id) === defaultBranch) return;
  const head = join(layout.mirror(id), "HEAD");
  const wanted = `ref: refs/heads/${defaultBranch}\n`;
  const found = await readFile(head, "utf8").catch(() => "");
  if (!/^(?:ref: refs\/\S+|[0-9a-f]{40})\n$/.test(found))
    throw new RefreshError("corrupt", `${head} does not name a branch`);
  if (found !== wanted) await writeLocked(head, wanted).finally(beginChange(memory, id));
  memory.heads.set(id, defaultBranch);
}
