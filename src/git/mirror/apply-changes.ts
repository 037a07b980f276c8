import type { ErrorCode } from "../../base/errors.js";
import { type RefChange, type RefusedRef, ZERO } from "../../base/model.js";
import { forEachInSlices, selectInSlices } from "../../base/slices.js";
import type { RunGit } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";
import { KEEP_NOTHING, type Keep, type KeptTip, keptTips, swapKeeping } from "./kept.js";
import { readRefs } from "./refs.js";

/** What became of changes. */
export interface Applied {
  /** The tips that the changes kept. */
  kept: KeptTip[];
  /** The refs that git, or the disk, refuses to change. All other changes were made. */
  refused: RefusedRef[];
}

/** What concerns one ref alone, whatever is known of the mirror. */
export const REFUSALS: readonly ErrorCode[] = ["ref_refused"];
/**
 * What concerns one ref alone just after every ref of the mirror was read: a file system that takes two names for one
 * shows a ref that the mirror does not list, or a file where a directory should be.
 */
export const REFUSALS_ONCE_READ: readonly ErrorCode[] = ["ref_refused", "ref_conflict", "tip_moved"];

interface Work {
  git: RunGit;
  gitDir: string;
  keep: Keep;
  refusals: readonly ErrorCode[];
}

/**
 * Applies deletions first, in a separate transaction: one transaction cannot delete `a` and create `a/b`. A ref that
 * is refused alone is left out.
 * @param refusals the codes of failures that leave out a ref and no other
 * @throws GitFailure of another code, or about a tip that is to be kept
 */
export async function applyChanges(
  git: RunGit,
  gitDir: string,
  changes: RefChange[],
  keep = KEEP_NOTHING,
  refusals = REFUSALS,
): Promise<Applied> {
  const work: Work = { git, gitDir, keep, refusals };
  const deletions = await selectInSlices(changes, ({ after }) => after === ZERO);
  const moves = await selectInSlices(changes, ({ after }) => after !== ZERO);
  let all: Applied = { kept: [], refused: [] };
  for (const some of [...(await inRounds(deletions)), ...(await inRounds(moves))])
    all = together(all, await swapOrSplit(work, some));
  return all.refused.length === 0 ? all : withoutMade(work, changes, all);
}

/**
 * Separates names that a file system may take for one, as it folds case or forms of Unicode: it would take their
 * locks for one lock, too.
 */
async function inRounds(changes: RefChange[]): Promise<RefChange[][]> {
  const rounds: RefChange[][] = [];
  const counts = new Map<string, number>();
  await forEachInSlices(changes, (change) => {
    const folded = change.ref.normalize("NFC").toLowerCase();
    const count = counts.get(folded) ?? 0;
    counts.set(folded, count + 1);
    const round = rounds[count] ?? [];
    rounds[count] = round;
    round.push(change);
  });
  return rounds;
}

const together = (a: Applied, b: Applied): Applied => ({
  kept: a.kept.concat(b.kept),
  refused: a.refused.concat(b.refused),
});

/** Finds by halves the refs because of which a transaction failed. */
async function swapOrSplit(work: Work, changes: RefChange[]): Promise<Applied> {
  const { git, gitDir, keep, refusals } = work;
  try {
    return { kept: await swapKeeping(git, gitDir, changes, await keptTips(changes, keep)), refused: [] };
  } catch (error) {
    if (!(error instanceof GitFailure) || !refusals.includes(error.code)) throw error;
    const [first] = changes;
    if (!first || changes.length === 1)
      return { kept: [], refused: first ? [{ ref: first.ref, reason: error.message }] : [] };
    const half = Math.ceil(changes.length / 2);
    const before = await swapOrSplit(work, changes.slice(0, half));
    return together(before, await swapOrSplit(work, changes.slice(half)));
  }
}

/** A transaction that failed in its last step may have changed some refs, which are then not refused. */
async function withoutMade(
  { git, gitDir }: Work,
  changes: RefChange[],
  { kept, refused }: Applied,
): Promise<Applied> {
  const tips = await readRefs(git, gitDir, []);
  const wanted = new Map(changes.map(({ ref, after }) => [ref, after]));
  return { kept, refused: refused.filter(({ ref }) => (tips.get(ref) ?? ZERO) !== wanted.get(ref)) };
}
