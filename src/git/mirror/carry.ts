import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";
import { type Extent, type RefChange, ZERO } from "../../base/model.js";
import { mapInSlices, selectInSlices } from "../../base/slices.js";
import { extentOf } from "../disk/layout.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { areAncestors } from "./ancestry.js";
import { applyChanges } from "./apply-changes.js";
import { inBatches } from "./batches.js";
import { missingOf } from "./blobs.js";
import type { Pair } from "./compare-histories.js";
import { copyObjects, objectsOf } from "./copy.js";
import { type Keep, type KeptTip, keptTips, makeKept, readKept } from "./kept.js";
import { type Pin, readPins } from "./pins.js";
import { compareTips, readBrokenRefs, readRefs, swapRefs } from "./refs.js";
import { addShallow } from "./shallow.js";

export type IsAncestor = (ancestor: string, descendant: string) => Promise<boolean>;

/** What to do about the refs in which GitHub differs from a mirror. */
export interface Verdict {
  /** The changes to make; a ref without a change stays at its tip. */
  changes: RefChange[];
  keep: Keep;
  /** Called when the changes are made. */
  record(made: Made): Promise<void>;
}

export interface Made {
  kept: KeptTip[];
  /** Tips to be kept or held that a broken mirror can no longer supply. */
  lost?: Pick<KeptTip, "ref" | "sha">[];
  /** True: even the names of the kept tips cannot be read. */
  unreadable?: boolean;
}

/** The judge decides about the refs of a mirror that is rebuilt. */
export interface Judge {
  differences(old: Map<string, string>, github: Map<string, string>): Promise<RefChange[]>;
  judge(differences: RefChange[], isAncestor: IsAncestor): Promise<Verdict>;
}

interface Carry {
  git: RunGit;
  /** The new mirror, not in its place yet, with GitHub's refs. */
  beside: string;
  /** The mirror that will be replaced; null: the repository has no mirror. */
  old: string | null;
  /**
   * The new mirror's extent; a shallow mirror leaves kept tips behind, because their history would come with
   * them.
   */
  extent: Extent;
  /** The published commits, which stay in the mirror, whether a ref leads to them or not. */
  published: Pin[];
  /** The kept tips that the database knows, whether the old mirror's refs can be read or not. */
  recorded: KeptTip[];
  /** Brings contents from GitHub into the new mirror. @throws RefreshError */
  supply(blobs: string[]): Promise<void>;
  call: Pick<GitCall, "timeoutMs" | "signal">;
}

/**
 * Brings into a new mirror what GitHub does not give: the old mirror's kept tips, and the refs that the judge
 * leaves in place.
 * @returns the changes from the old mirror to the new one, the tips that the new mirror keeps, and the
 * verdict's `record`, for when the new mirror is in its place
 */
export async function carryOver(carry: Carry, judge: Judge) {
  const github = await readRefs(carry.git, carry.beside, [], { signal: carry.call.signal });
  const old = await readOldRefs(carry);
  const pins = await pinsOf(carry, old.pins);
  const differences = await judge.differences(old.refs, github);
  const verdict = await judge.judge(differences, ancestryOf(carry));

  const left = await changesOfVerdict(differences, verdict.changes);
  const isShallow = carry.extent.depth !== null;
  const known = [...new Map([...carry.recorded, ...old.kept].map((tip) => [tip.name, tip])).values()];
  const tips = isShallow ? [] : [...known, ...(await keptTips(verdict.changes, verdict.keep))];
  if (isShallow) await addWithoutHistory(carry, pins);
  const wanted = [...tips, ...pins].map(({ sha }) => sha).concat(left.map(({ after }) => after));
  const saved = await copyObjects(carry, wanted, [...github.values()]);
  const isSaved = (sha: string) => sha === ZERO || saved.has(sha);
  requireHeld(
    carry,
    left.filter(({ after }) => !isSaved(after)),
  );

  await applyChanges(
    carry.git,
    carry.beside,
    left.filter(({ after }) => isSaved(after)),
  );
  await swapRefs(
    carry.git,
    carry.beside,
    [],
    pins.filter(({ sha }) => isSaved(sha)),
  );
  const made = await makeKept(
    carry.git,
    carry.beside,
    tips.filter(({ sha }) => isSaved(sha)),
  );
  const wantedTips = [...tips, ...left.map(({ ref, after: sha }) => ({ ref, sha }))];
  const lost = [...wantedTips, ...pins.map(({ name: ref, sha }) => ({ ref, sha }))].filter(
    ({ sha }) => !isSaved(sha),
  );
  const isUnchanged = left.length + pins.length + tips.length === 0;
  const now = isUnchanged
    ? github
    : await readRefs(carry.git, carry.beside, [], { signal: carry.call.signal });
  const names = new Set(known.map(({ name }) => name));
  const fresh = made.filter(({ name }) => !names.has(name));
  const unreadable = old.unreadable && carry.recorded.length === 0;
  const record = () => verdict.record({ kept: fresh, lost, unreadable });
  return { changes: await compareTips(old.refs, now), kept: made, record };
}

/** Returns the old mirror's pins and the published commits, as far as their objects exist. */
async function pinsOf({ git, beside, old, published, call }: Carry, pins: Pin[]): Promise<Pin[]> {
  const pinsByName = new Map([...pins, ...published].map((pin) => [pin.name, pin]));
  const within = { ...call, ...objectsOf(old), gitDir: beside };
  const missing = await missingOf(
    git,
    within,
    [...pinsByName.values()].map(({ sha }) => sha),
  );
  return [...pinsByName.values()].filter(({ sha }) => !missing.includes(sha));
}

/**
 * Requires the held refs. A held ref is not released for contents that a partial mirror never had, since
 * GitHub's value of the ref is just what was refused.
 */
function requireHeld({ old }: Carry, unsaved: RefChange[]): void {
  const [first] = unsaved;
  if (!first || old === null || extentOf(old).filter === null) return;
  throw new RefreshError(
    "contents_missing",
    `${first.ref} is held at ${first.after}; a whole mirror needs its contents, which GitHub no longer serves`,
  );
}

/** Adds commits that a shallow mirror lacks, each without its history. */
async function addWithoutHistory({ git, beside, call }: Carry, pins: Pin[]): Promise<void> {
  for (const { sha } of pins) {
    const { code } = await git({
      ...call,
      args: ["cat-file", "-e", sha],
      gitDir: beside,
      okCodes: [0, 1, 128],
    });
    if (code !== 0) addShallow(beside, sha);
  }
}

/** Returns the changes that turn the new mirror's refs, which are GitHub's, into those of the verdict. */
async function changesOfVerdict(differences: RefChange[], changes: RefChange[]): Promise<RefChange[]> {
  const targets = new Map(await mapInSlices(changes, ({ ref, after }) => [ref, after] as const));
  const all = await mapInSlices(differences, ({ ref, before, after }) => ({
    ref,
    before: after,
    after: targets.get(ref) ?? before,
  }));
  return selectInSlices(all, ({ before, after }) => before !== after);
}

function ancestryOf({ git, beside, old, call }: Carry): IsAncestor {
  const within = { ...call, ...objectsOf(old), gitDir: beside };
  const ask = inBatches((_: null, pairs: Pair[]) => areAncestors(git, within, pairs));
  return (...pair) => ask(null, pair);
}

/**
 * Reads the refs of the old mirror through a separate directory, so that a broken HEAD or config hides no
 * ref.
 */
async function readOldRefs({ git, beside, old, call }: Carry) {
  const nothing = {
    refs: new Map<string, string>(),
    kept: [] as KeptTip[],
    pins: [] as Pin[],
    unreadable: old !== null,
  };
  if (old === null) return nothing;
  const view = join(beside, "old");
  try {
    mkdirSync(view);
    writeFileSync(join(view, "HEAD"), "ref: refs/heads/none\n");
    writeFileSync(join(view, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
    for (const part of ["refs", "packed-refs", "objects"]) symlinkSync(join(old, part), join(view, part));
    const refs = await readBrokenRefs(git, view, call.signal);
    const pins = await readPins(git, view, call.signal);
    return { refs, kept: await readKept(git, view, call.signal), pins, unreadable: false };
  } catch {
    call.signal?.throwIfAborted();
    return nothing;
  } finally {
    rmSync(view, { recursive: true, force: true });
  }
}
