import type { Log } from "../../base/log.js";
import type { History, RefChange, RepositoryName, ScopeOf } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import { isInside } from "../../base/patterns.js";
import type { Hold, Holds } from "../holds.js";

/**
 * A difference between the mirror (`before`) and GitHub (`after`); the two are equal where a ref is held at
 * GitHub's value.
 */
export interface Move extends RefChange {
  /** What the delivery says for sure; undefined: git is asked. */
  forced?: boolean | undefined;
  /** A ref of GitHub's whose name conflicts with this ref, which is held and not in the mirror. */
  inPlace?: string | undefined;
}

/** The objects that the history guard works with. */
export interface GuardContext {
  history: History;
  holds: Holds;
  scopeOf: ScopeOf;
  log: Pick<Log, "info" | "warn">;
  now: () => number;
}

export type GuardedRepository = RepositoryName & { id: number };

/** The number of refs that a log line or a message names. */
export const MAX_NAMED = 10;

/** A ref without its history cannot be shown to be forced, and its old tip cannot be kept. */
export const isGuarded = ({ scopeOf }: GuardContext, id: number): boolean => scopeOf(id).depth === null;

/** @returns the holds on refs of the scope; other refs are never brought */
export function findStandingHolds(context: GuardContext, id: number): Hold[] {
  if (!isGuarded(context, id)) return [];
  const isIn = isInside(context.scopeOf(id));
  return context.holds.of(id).filter(({ ref }) => isIn(ref));
}

/** The path of a repository in the API. */
export const apiPathOf = (repository: RepositoryName): string => `/api/v1/repos/${fullName(repository)}`;

/** The API call that allows a change, as a person would type it. */
export const allowCall = (repository: RepositoryName, { ref, wanted }: Hold): string =>
  `POST ${apiPathOf(repository)}/allow ${JSON.stringify({ ref, wanted })}`;
