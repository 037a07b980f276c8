import type { Extent } from "../base/model.js";
import { isRefName, RESERVED_REFS } from "../base/names.js";
import { isRepositoryPattern, parseList, repositoryMatcher } from "../base/patterns.js";

/** One entry of CHECKOUTS: `pattern[@ref][?option=value&…]`, or `!pattern`. */
interface Entry {
  pattern: string;
  ref: string | null;
  options: Options;
}

type Options = TreeOptions & Extent;

/** What of a commit is published. */
export interface TreeOptions {
  /** Files and directories; empty: all. */
  paths: readonly string[];
  /** no: an empty directory, as git has it; recursive: those of submodules too. */
  submodules: "no" | "yes" | "recursive";
  /** Whether the files of Git LFS are published; else their pointers are. */
  lfs: boolean;
}

/** A checkout that CHECKOUTS asks for. */
export interface Wanted extends TreeOptions, Extent {
  /** A full ref; null: the default branch, whatever it is called. */
  ref: string | null;
  /** What follows the repository's name in the name of the link; empty for the default branch. */
  slug: string;
}

/**
 * As it is written down: another text, and the tree is made anew. Trees with a text that lacks `converted` may have
 * files of LFS with the ends of their lines converted.
 */
export const writeOptions = ({ paths, submodules, lfs }: TreeOptions): string =>
  JSON.stringify({ paths, submodules, ...(lfs ? { lfs, converted: false } : {}) });

export function readOptions(text: string): TreeOptions {
  const { paths, submodules, lfs } = { ...DEFAULTS, ...(JSON.parse(text) as Partial<TreeOptions>) };
  return { paths, submodules, lfs };
}

export interface Selection {
  (fullName: string): Wanted[];
  /** Whether any entry has a depth. */
  readonly hasDepth: boolean;
  /** Whether for any entry less than a whole mirror will do. */
  readonly narrows: boolean;
}

export const NO_CHECKOUTS: Selection = Object.assign(() => [], { hasDepth: false, narrows: false });

const DEFAULTS: TreeOptions = { paths: [], submodules: "no", lfs: false };
const NO_OPTIONS: Options = { ...DEFAULTS, depth: null, filter: null };
const ENTRY = /^(?<pattern>!?[^@]*?)(?:@(?<ref>[^?]+))?(?:\?(?<options>[a-z]+=.*))?$/;
/** More commits than this, and all of them are meant. */
const DEPTH = /^[1-9]\d{0,5}$/;
/** A file name of Linux has at most 255 bytes, and a repository's name up to 100. */
const MAX_SLUG = 150;

/** @returns null when an entry is not as it should be */
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

function parseOptions(query: string): Options | null {
  const pairs = query.split("&").map((pair) => pair.split("="));
  const given = new Map(pairs.map(([key = "", ...values]) => [key, values.join("=")]));
  if (given.size < pairs.length) return null;
  const paths = given.has("paths") ? parsePaths(given.get("paths")!) : [];
  const submodules = given.get("submodules") ?? "no";
  const lfs = given.get("lfs") ?? "no";
  const depth = given.get("depth") ?? null;
  const filter = given.get("filter") ?? null;
  for (const key of ["paths", "submodules", "lfs", "depth", "filter"]) given.delete(key);
  if (given.size > 0 || !paths || !isKindOfSubmodules(submodules) || !["no", "yes"].includes(lfs))
    return null;
  if ((depth !== null && !DEPTH.test(depth)) || (filter !== null && filter !== "blob:none")) return null;
  return { paths, submodules, lfs: lfs === "yes", depth: depth === null ? null : Number(depth), filter };
}

const isKindOfSubmodules = (text: string): text is TreeOptions["submodules"] =>
  ["no", "yes", "recursive"].includes(text);

function parsePaths(text: string): string[] | null {
  try {
    const paths = text.split(":").map((path) => decodeURIComponent(path).replace(/\/$/, ""));
    return paths.every(isPath) ? [...new Set(paths)].sort() : null;
  } catch {
    return null; // a % that is not followed by two digits
  }
}

/** Whether it can be a path of a commit's. */
export const isPath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git's file of patterns has lines
  !/[\u0000-\u001f]/.test(path) && path.split("/").every((part) => !["", ".", "..", ".git"].includes(part));

/** The branch `refs/tags/v1` is another ref than the tag. */
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
    // A later entry takes the place of an earlier one for the same ref.
    const wanted = rules.filter(({ matches }) => matches(fullName)).map((rule) => rule.wanted);
    return [...new Map(wanted.map((one) => [one.slug, one])).values()];
  };
  const hasDepth = entries.some(({ options }) => options.depth !== null);
  const narrows = hasDepth || entries.some(({ options }) => options.filter !== null);
  return Object.assign(wantedOf, { hasDepth, narrows });
}
