import { RefreshError } from "../base/errors.js";
import { ZERO } from "../base/model.js";
import { isInside } from "../base/patterns.js";
import { forEachInSlices, selectInSlices } from "../base/slices.js";
import type { IsAncestor, Judge, Verdict } from "../git/mirror/carry.js";
import { compareTips, indexClashes } from "../git/mirror/refs.js";
import {
  apiPathOf,
  findStandingHolds,
  type GuardContext,
  type GuardedRepository,
  MAX_NAMED,
  type Move,
} from "./guard/context.js";
import { judgeMoves } from "./guard/judge.js";
import type { Hold } from "./holds.js";

export { allowCall, type Move } from "./guard/context.js";

export interface Guard {
  /** Returns the holds on refs of the scope; other refs are never brought. */
  standing(id: number): Hold[];
  /**
   * Returns every ref to decide on when all refs of GitHub's are known: those that differ, and those that are
   * held.
   */
  differences(id: number, local: Map<string, string>, github: Map<string, string>): Promise<Move[]>;
  judge(repository: GuardedRepository, moves: Move[], isAncestor: IsAncestor): Promise<Verdict>;
  /** Returns the failure that a repository has while a hold stands; null: no hold stands. */
  failure(repository: GuardedRepository): RefreshError | null;
  /** Returns the judge for a mirror that is cloned again. */
  judgeOf(repository: GuardedRepository): Judge;
}

/** The guard decides what a refresh may do to refs, by HISTORY and by the holds that stand. */
export function createGuard(context: GuardContext): Guard {
  return {
    standing: (id) => findStandingHolds(context, id),
    differences: (id, local, github) => findDifferences(context, id, local, github),
    judge: (repository, moves, isAncestor) => judgeMoves(context, repository, moves, isAncestor),
    failure: (repository) => describeHolds(repository, findStandingHolds(context, repository.id)),
    judgeOf: (repository) => ({
      async differences(local, github) {
        const inside = await selectInside(context, repository.id, local);
        return findDifferences(context, repository.id, inside, github);
      },
      judge: (moves, isAncestor) => judgeMoves(context, repository, moves, isAncestor),
    }),
  };
}

async function findDifferences(
  context: GuardContext,
  id: number,
  local: Map<string, string>,
  github: Map<string, string>,
): Promise<Move[]> {
  const heldRefs = new Set(findStandingHolds(context, id).map(({ ref }) => ref));
  const differences = await compareTips(local, github);
  const moves: Move[] = await selectInSlices(differences, ({ ref }) => !heldRefs.has(ref));
  const areAllHere = [...heldRefs].every((ref) => local.has(ref));
  const inTheWay = areAllHere ? () => null : await indexClashes(github.keys());
  await forEachInSlices(heldRefs, (ref) => {
    const inPlace = local.has(ref) ? undefined : (inTheWay(ref) ?? undefined);
    moves.push({ ref, before: local.get(ref) ?? ZERO, after: github.get(ref) ?? ZERO, inPlace });
  });
  return moves;
}

async function selectInside({ scopeOf }: GuardContext, id: number, tips: Map<string, string>) {
  const isIn = isInside(scopeOf(id));
  return new Map(await selectInSlices(tips, ([ref]) => isIn(ref)));
}

function describeHolds(repository: GuardedRepository, all: Hold[]): RefreshError | null {
  if (all.length === 0) return null;
  const details = all
    .slice(0, MAX_NAMED)
    .map(({ ref, tip, wanted }) => `${ref} is held at ${tip}, GitHub has ${wanted}`);
  const more = all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : "";
  return new RefreshError(
    "history_blocked",
    `${details.join("; ")}${more}; POST ${apiPathOf(repository)}/allow applies the change`,
  );
}
