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
  /**
   * The part of the link's name after the repository's name, before it is shortened to the room of a file name;
   * empty for the default branch.
   */
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

/** @returns null when an entry is invalid */
export function parseCheckouts(text: string): Selection | null {
  const entries = parseList(text).map(parseEntry);
  const known = entries.filter((entry) => typeof entry !== "string");
  return known.length > 0 && known.length === entries.length ? selection(known) : null;
}

/** Names each entry that makes `parseCheckouts` return null, and what is wrong with the entry. */
export function describeWrongEntries(text: string): string {
  const wrong = parseList(text).flatMap((entry) => {
    const found = parseEntry(entry);
    return typeof found === "string" ? [`the entry ${JSON.stringify(entry)} ${found}`] : [];
  });
  return wrong.join(", ") || "names no repository";
}

/** @returns what is wrong with an invalid entry */
function parseEntry(text: string): Entry | string {
  const { pattern = "", ref = null, options: query = null } = ENTRY.exec(text)?.groups ?? {};
  if (!isRepositoryPattern(pattern)) return "has no valid pattern";
  if (pattern.startsWith("!"))
    return ref || query
      ? "takes out a whole repository, without ref and options"
      : { pattern, ref: null, options: NO_OPTIONS };
  const full = ref && (ref.startsWith("refs/") ? ref : `refs/heads/${ref}`);
  if (full && (!isRefName(full) || full.startsWith(RESERVED_REFS))) return "has no valid ref";
  const options = query ? parseOptions(query) : NO_OPTIONS;
  return options ? { pattern, ref: full || null, options } : "has no valid options";
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
