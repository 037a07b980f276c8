import type { Log } from "../../base/log.js";
import type { History, RefChange, RepositoryName, ScopeOf } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import { isInside } from "../../base/patterns.js";
import type { Hold, Holds } from "../holds.js";

/** A difference between the mirror (`before`) and GitHub (`after`); none where a ref is held at GitHub's value. */
export interface Move extends RefChange {
  /** What the delivery says for sure; undefined: git is asked. */
  forced?: boolean | undefined;
  /** A ref of GitHub's that leaves no room for this one, which is held and not in the mirror. */
  inPlace?: string | undefined;
}

/** What the history guard works with. */
export interface GuardContext {
  history: History;
  holds: Holds;
  scopeOf: ScopeOf;
  log: Pick<Log, "info" | "warn">;
  now: () => number;
}

export type GuardedRepository = RepositoryName & { id: number };

/** How many refs a log line or a message names. */
export const MAX_NAMED = 10;

/** What is cut off from its history cannot be shown to be forced, nor be kept without it. */
export const isGuarded = ({ scopeOf }: GuardContext, id: number): boolean => scopeOf(id).depth === null;

/** @returns the holds on refs of the scope; nothing is brought for any other */
export function findStandingHolds(context: GuardContext, id: number): Hold[] {
  if (!isGuarded(context, id)) return [];
  const isIn = isInside(context.scopeOf(id));
  return context.holds.of(id).filter(({ ref }) => isIn(ref));
}

/** Where the API has a repository. */
export const apiPathOf = (repository: RepositoryName): string => `/api/v1/repos/${fullName(repository)}`;

/** The call that lets a change through, as a person would type it. */
export const allowCall = (repository: RepositoryName, { ref, wanted }: Hold): string =>
  `POST ${apiPathOf(repository)}/allow ${JSON.stringify({ ref, wanted })}`;
