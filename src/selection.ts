import { isRefName, RESERVED_REFS } from "./names.js";
import { isRepositoryPattern, parseList, repositoryMatcher } from "./patterns.js";

/** One entry of CHECKOUTS: `pattern[@ref][?option=value&…]`, or `!pattern`. */
interface Entry {
  pattern: string;
  ref: string | null;
  paths: string[];
}

/** A checkout that CHECKOUTS asks for. */
export interface Wanted {
  /** A full ref; null: the default branch, whatever it is called. */
  ref: string | null;
  /** What follows the repository's name in the name of the link; empty for the default branch. */
  slug: string;
  /** Files and directories that are published; empty: all. */
  paths: readonly string[];
}

export type Selection = (fullName: string) => Wanted[];

const ENTRY = /^(?<pattern>!?[^@]*?)(?:@(?<ref>[^?]+))?(?:\?(?<options>[a-z]+=.*))?$/;
/** A file name of Linux has at most 255 bytes, and a repository's name up to 100. */
const MAX_SLUG = 150;

/** @returns null when an entry is not as it should be */
export function parseCheckouts(text: string): Selection | null {
  const entries = parseList(text).map(parseEntry);
  const known = entries.filter((entry) => entry !== null);
  return known.length > 0 && known.length === entries.length ? selection(known) : null;
}

function parseEntry(text: string): Entry | null {
  const { pattern = "", ref = null, options = null } = ENTRY.exec(text)?.groups ?? {};
  if (!isRepositoryPattern(pattern)) return null;
  if (pattern.startsWith("!")) return ref || options ? null : { pattern, ref: null, paths: [] };
  const full = ref && (ref.startsWith("refs/") ? ref : `refs/heads/${ref}`);
  if (full && (!isRefName(full) || full.startsWith(RESERVED_REFS) || slugOf(full).length > MAX_SLUG))
    return null;
  const paths = options ? parseOptions(options) : [];
  return paths && { pattern, ref: full || null, paths };
}

/** @returns the paths, as yet the only option */
function parseOptions(text: string): string[] | null {
  const [key, value = "", ...rest] = text.split("=");
  if (key !== "paths" || rest.length > 0 || text.includes("&")) return null;
  try {
    const paths = value.split(":").map((path) => decodeURIComponent(path).replace(/\/$/, ""));
    return paths.every(isPath) ? [...new Set(paths)].sort() : null;
  } catch {
    return null; // a % that is not followed by two digits
  }
}

/** Whether it can be a path of a commit's. */
const isPath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git's file of patterns has lines
  !/[\u0000-\u001f]/.test(path) && path.split("/").every((part) => !["", ".", "..", ".git"].includes(part));

const slugOf = (ref: string): string => `@${encodeURIComponent(ref.replace(/^refs\/heads\//, ""))}`;

function selection(entries: Entry[]): Selection {
  const out = entries.filter(({ pattern }) => pattern.startsWith("!")).map(({ pattern }) => pattern.slice(1));
  const isOut = out.length === 0 ? () => false : repositoryMatcher(out);
  const rules = entries
    .filter(({ pattern }) => !pattern.startsWith("!"))
    .map(({ pattern, ref, paths }) => ({
      matches: repositoryMatcher([pattern]),
      wanted: { ref, slug: ref ? slugOf(ref) : "", paths },
    }));
  return (fullName) => {
    if (isOut(fullName)) return [];
    // A later entry takes the place of an earlier one for the same ref.
    const wanted = rules.filter(({ matches }) => matches(fullName)).map((rule) => rule.wanted);
    return [...new Map(wanted.map((one) => [one.slug, one])).values()];
  };
}
