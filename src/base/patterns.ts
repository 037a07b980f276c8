import picomatch from "picomatch";
import type { Scope } from "./model.js";
import { isRefName, RESERVED_REFS } from "./names.js";

/** Splits a comma-separated list; spaces around entries and empty entries do not count. */
export function parseList(text: string): string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  return [...new Set(entries.filter((entry) => entry !== ""))];
}

/**
 * Whether this is `owner/name`, with globs (`*`, `?`, `[abc]`) in either part, perhaps with a leading `!`.
 */
export function isRepositoryPattern(text: string): boolean {
  return /^!?[\w*?[\]^-]+\/[\w.*?[\]^-]+$/.test(text);
}

/**
 * Compiles REPOSITORIES. A repository is in when some pattern without `!` matches (or no such pattern exists)
 * and none with `!` does, whatever their order. Case does not count.
 * @param patterns each must pass `isRepositoryPattern`.
 * @returns whether `owner/name` is in.
 */
export function repositoryMatcher(patterns: readonly string[]): (fullName: string) => boolean {
  const included = patterns.filter((pattern) => !pattern.startsWith("!"));
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const isIncluded = included.length === 0 ? () => true : anyOf(included);
  const isExcluded = anyOf(excluded);
  return (fullName) => isIncluded(fullName) && !isExcluded(fullName);
}

/**
 * Compiles a list as `repositoryMatcher` does, but an empty list allows nothing, and `refuses` says what a
 * `!` pattern excludes.
 */
export function allowList(patterns: readonly string[]) {
  const included = patterns.filter((pattern) => !pattern.startsWith("!"));
  const refuses = anyOf(patterns.filter((pattern) => pattern.startsWith("!")).map((text) => text.slice(1)));
  const isIncluded = anyOf(included);
  return { refuses, allows: (fullName: string) => isIncluded(fullName) && !refuses(fullName) };
}

function anyOf(patterns: readonly string[]): (fullName: string) => boolean {
  // `dot` is on because `acme/*` means every repository, and `acme/.github` is a common one.
  const options = { nocase: true, dot: true, nonegate: true, nobrace: true, noextglob: true };
  const matchers = patterns.map((pattern) => picomatch(pattern, options));
  return (fullName) => matchers.some((matches) => matches(fullName));
}

/**
 * Whether this can be the left side of a git refspec: a ref below `refs/` that is not Lockstep's own. At most
 * one `*` is allowed, which ends a path segment (`refs/heads/*`, `refs/heads/release-*`).
 */
export function isRefPattern(text: string): boolean {
  const stars = text.match(/\*(?=\/|$)/g)?.length ?? 0;
  // A remaining `*` makes the name invalid; a letter in place of the allowed one makes the rest checkable.
  const name = stars <= 1 ? text.replace(/\*(?=\/|$)/, "x") : text;
  return isRefName(name) && !`${text}/`.startsWith(RESERVED_REFS);
}

/** Compiles a scope into a check for single refs, so that checking many refs is cheap. */
export function isInside({ refspecs }: Pick<Scope, "refspecs">): (ref: string) => boolean {
  const matchers = refspecs.map(refMatcher);
  return (ref) => matchers.some((matches) => matches(ref));
}

/** Whether a ref is inside one of REFSPECS' patterns, each with at most one `*`. */
export const matchesPattern = (ref: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => refMatcher(pattern)(ref));

function refMatcher(pattern: string): (ref: string) => boolean {
  const [head = "", tail] = pattern.split("*");
  if (tail === undefined) return (ref) => ref === pattern;
  const shortest = head.length + tail.length;
  return (ref) => ref.length >= shortest && ref.startsWith(head) && ref.endsWith(tail);
}
