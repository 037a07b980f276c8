import { isRefName, RESERVED_REFS } from "../base/names.js";
import { isRepositoryPattern, parseList, repositoryMatcher } from "../base/patterns.js";
import { NO_OPTIONS, narrowsMirror, type Options, parseOptions } from "./checkout-options.js";

export { readOptions, type TreeOptions, writeOptions } from "./checkout-options.js";

/** One entry of CHECKOUTS: `pattern[@ref][?option=value&…]`, or `!pattern`. */
interface Entry {
  pattern: string;
  ref: string | null;
  options: Options;
}

/** A checkout that CHECKOUTS asks for. */
export interface Wanted extends Options {
  /** A full ref; null: the default branch, whatever its name. */
  ref: string | null;
  /** The part of the link's name after the repository's name; empty for the default branch. */
  slug: string;
}

export interface Selection {
  (fullName: string): Wanted[];
  /** Whether any entry has a depth. */
  readonly hasDepth: boolean;
  /** Whether a mirror that is not whole is enough for any entry. */
  readonly narrows: boolean;
}

export const NO_CHECKOUTS: Selection = Object.assign(() => [], { hasDepth: false, narrows: false });

const ENTRY = /^(?<pattern>!?[^@]*?)(?:@(?<ref>[^?]+))?(?:\?(?<options>[a-z]+=.*))?$/;
/** A file name on Linux has at most 255 bytes, and a repository's name up to 100. */
const MAX_SLUG = 150;

/** @returns null when an entry is invalid */
export function parseCheckouts(text: string): Selection | null {
  const entries = parseList(text).map(parseEntry);
  const known = entries.filter((entry) => entry !== null);
  return known.length > 0 && known.length === entries.length ? selection(known) : null;
}

function parseEntry(text: string): Entry | null {
  const { pattern = "", ref = null, options: query = null } = ENTRY.exec(text)?.groups ?? {};
  if (!isRepositoryPattern(pattern)) return null;
  if (pattern.startsWith("!")) return ref || query ? null : { pattern, ref: null, options: NO_OPTIONS };
  const full = ref && (ref.startsWith("refs/") ? ref : `refs/heads/${ref}`);
  if (full && (!isRefName(full) || full.startsWith(RESERVED_REFS) || slugOf(full).length > MAX_SLUG))
    return null;
  const options = query ? parseOptions(query) : NO_OPTIONS;
  return options && { pattern, ref: full || null, options };
}

/** A branch called `refs/tags/v1` keeps its `refs/heads/`, because it is another ref than the tag. */
const slugOf = (ref: string): string => `@${encodeURIComponent(ref.replace(/^refs\/heads\/(?!refs\/)/, ""))}`;

function selection(entries: Entry[]): Selection {
  const out = entries.filter(({ pattern }) => pattern.startsWith("!")).map(({ pattern }) => pattern.slice(1));
  const isOut = out.length === 0 ? () => false : repositoryMatcher(out);
  const rules = entries
    .filter(({ pattern }) => !pattern.startsWith("!"))
    .map(({ pattern, ref, options }) => ({
      matches: repositoryMatcher([pattern]),
      wanted: { ref, slug: ref ? slugOf(ref) : "", ...options },
    }));
  const wantedOf = (fullName: string): Wanted[] => {
    if (isOut(fullName)) return [];
    // A later entry replaces an earlier one for the same ref.
    const wanted = rules.filter(({ matches }) => matches(fullName)).map((rule) => rule.wanted);
    return [...new Map(wanted.map((one) => [one.slug, one])).values()];
  };
  const hasDepth = entries.some(({ options }) => options.depth !== null);
  const narrows = entries.some(({ options }) => narrowsMirror(options));
  return Object.assign(wantedOf, { hasDepth, narrows });
}
