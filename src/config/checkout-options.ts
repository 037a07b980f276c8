import type { Extent } from "../base/model.js";

/** What is published of a commit; the options are passed on whole, from CHECKOUTS to the tree. */
export interface TreeOptions {
  /** Only these files and directories are published; empty: all. */
  paths: readonly string[];
  /**
   * no: a submodule is an empty directory, as in git; recursive: submodules of submodules are published too.
   */
  submodules: "no" | "yes" | "recursive";
  /** True: the files of Git LFS are published; false: their pointers are. */
  lfs: boolean;
}

/** Everything that can follow the `?` of an entry. */
export type Options = TreeOptions & Extent;

/** One option; its name is its key in the table. */
interface Option<T, Changes extends "tree" | "mirror"> {
  /** The option changes the published tree, or the mirror that the tree comes from. */
  changes: Changes;
  /** @returns null: the text is not a valid value of this option */
  parse(text: string): NonNullable<T> | null;
  /** The value when an entry does not name the option. */
  fallback: T;
  /**
   * True: the database row of a tree has this option even with the fallback value. No new option needs this:
   * a changed row has its tree written again.
   */
  isAlwaysStored?: true;
  /** An example value, shown in the remedy of CHECKOUTS and in the docs. */
  sample: string;
  docs: { fallback: string; meaning: string };
}

/** A depth has at most six digits; whole history replaces a larger depth. */
const DEPTH = /^[1-9]\d{0,5}$/;

/**
 * The table has every option of an entry of CHECKOUTS. The parser, the remedy and the stored form follow from
 * the table; a test compares .env.example and docs/checkouts.md.
 */
export const OPTIONS: {
  readonly [Name in keyof Options]: Option<Options[Name], Name extends keyof TreeOptions ? "tree" : "mirror">;
} = {
  paths: {
    changes: "tree",
    parse: parsePaths,
    fallback: [],
    isAlwaysStored: true,
    sample: "docs:assets",
    docs: { fallback: "all", meaning: "only these files and directories" },
  },
  submodules: {
    changes: "tree",
    parse: (text) => (text === "no" || text === "yes" || text === "recursive" ? text : null),
    fallback: "no",
    isAlwaysStored: true,
    sample: "yes",
    docs: { fallback: "no", meaning: "with submodules; recursive: also those inside of submodules" },
  },
  lfs: {
    changes: "tree",
    parse: (text) => (text === "yes" ? true : text === "no" ? false : null),
    fallback: false,
    sample: "yes",
    docs: { fallback: "no", meaning: "with the files of Git LFS" },
  },
  depth: {
    changes: "mirror",
    parse: (text) => (DEPTH.test(text) ? Number(text) : null),
    fallback: null,
    sample: "50",
    docs: { fallback: "all", meaning: "from a shallow mirror that has only this many commits of each ref" },
  },
  filter: {
    changes: "mirror",
    parse: (text) => (text === "blob:none" ? text : null),
    fallback: null,
    sample: "blob:none",
    docs: { fallback: "none", meaning: "from a partial mirror that has only the published contents" },
  },
};

type Name = keyof Options;

const NAMES = Object.keys(OPTIONS) as Name[];
const isOfTree = (name: Name): name is keyof TreeOptions => OPTIONS[name].changes === "tree";
const TREE_NAMES = NAMES.filter(isOfTree);

export const NO_OPTIONS: Options = withFallbacks({});

/** The sample names every option once, as a user would write them. */
export const SAMPLE = NAMES.map((name) => `${name}=${OPTIONS[name].sample}`).join("&");

/**
 * @param query the text behind the `?` @returns null: an option is unknown, appears twice or has an invalid
 * value
 */
export function parseOptions(query: string): Options | null {
  const pairs = query.split("&").map((pair) => pair.split("="));
  const given = new Map(pairs.map(([name = "", ...values]) => [name, values.join("=")]));
  if (given.size < pairs.length) return null;
  const values: Record<string, unknown> = {};
  for (const [name, text] of given) {
    const value = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as Name].parse(text) : null;
    if (value === null) return null;
    values[name] = value;
  }
  return withFallbacks(values);
}

/** Whether a mirror that is not whole is enough. */
export const narrowsMirror = (options: Options): boolean =>
  NAMES.some((name) => !isOfTree(name) && !isFallback(name, options[name]));

/**
 * Writes the options as they are stored: when the text changes, the tree is rebuilt. Trees with a text that
 * lacks `converted` may have files of LFS whose line ends were converted.
 */
export function writeOptions(options: TreeOptions): string {
  const isStored = (name: keyof TreeOptions) =>
    OPTIONS[name].isAlwaysStored || !isFallback(name, options[name]);
  const stored = TREE_NAMES.filter(isStored).map((name) => [name, options[name]]);
  const written = Object.fromEntries(stored);
  return JSON.stringify(options.lfs ? { ...written, converted: false } : written);
}

export function readOptions(text: string): TreeOptions {
  const options = withFallbacks(JSON.parse(text));
  return Object.fromEntries(TREE_NAMES.map((name) => [name, options[name]])) as unknown as TreeOptions;
}

const isFallback = (name: Name, value: unknown): boolean =>
  JSON.stringify(value) === JSON.stringify(OPTIONS[name].fallback);

/** Returns every option, and nothing else from `values`. */
function withFallbacks(values: Partial<Record<Name, unknown>>): Options {
  const all = NAMES.map((name) => [name, values[name] ?? OPTIONS[name].fallback]);
  return Object.fromEntries(all) as Options;
}

function parsePaths(text: string): string[] | null {
  try {
    const paths = text.split(":").map((path) => decodeURIComponent(path).replace(/\/$/, ""));
    return paths.every(isPath) ? [...new Set(paths)].sort() : null;
  } catch {
    return null; // A % is not followed by two digits.
  }
}

/** Whether a commit can have this path. */
const isPath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git's file of patterns has lines
  !/[\u0000-\u001f]/.test(path) && path.split("/").every((part) => !["", ".", "..", ".git"].includes(part));
