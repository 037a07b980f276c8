import { beginSlice, type Slice } from "../../base/slices.js";
import { readCommit, readTreesApart, type TreeEntry } from "./links.js";
import { type GitObject, LeftToGit } from "./object.js";
import type { ReadStored } from "./stored.js";

/** What `git diff-tree -r -t --no-renames` prints as one line. */
export interface TreeChange {
  /** One character for each byte. */
  path: string;
  /** null: the path is new. */
  before: TreeEntry | null;
  /** null: the path is gone. */
  after: TreeEntry | null;
}

export interface TreeChanges {
  changes: TreeChange[];
  /** Whether a directory with a change in it, or one above it, has a `.gitattributes` before or after. */
  hasAttributes: boolean;
}

/** A larger change is git's to find. */
const MAX_CHANGES = 1_000;

interface Work extends TreeChanges {
  readStored: ReadStored;
  slice: Slice;
}

/**
 * Compares the trees of two commits, with directories and submodules as entries of their own.
 * @throws LeftToGit when there is more to read than a usual push has, or something cannot be read
 */
export async function findTreeChanges(
  readStored: ReadStored,
  from: string,
  to: string,
): Promise<TreeChanges> {
  const work: Work = { readStored, slice: beginSlice(), changes: [], hasAttributes: false };
  const [before, after] = [await rootOf(work, from), await rootOf(work, to)];
  if (before !== after) await compareTrees(work, "", before, after);
  return { changes: work.changes, hasAttributes: work.hasAttributes };
}

const rootOf = async (work: Work, commit: string): Promise<string> =>
  readCommit((await read(work, commit, "commit")).content).tree;

/** @param before a tree's name; null: there is none */
async function compareTrees(
  work: Work,
  prefix: string,
  before: string | null,
  after: string | null,
): Promise<void> {
  const contents = [await contentOf(work, before), await contentOf(work, after)] as const;
  work.hasAttributes ||= contents.some((content) => content.includes(ATTRIBUTES));
  const [old, now] = readTreesApart(...contents).map(byName) as [Entries, Entries];
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name) ?? null, now.get(name) ?? null];
    if (was?.id === is?.id && was?.mode === is?.mode) continue;
    const path = prefix + name;
    work.changes.push({ path, before: was, after: is });
    if (work.changes.length > MAX_CHANGES) throw new LeftToGit("many files differ");
    if (was?.kind === "tree" || is?.kind === "tree")
      await compareTrees(work, `${path}/`, treeOf(was), treeOf(is));
  }
}

/** The name as a tree has it, after the entry's mode. */
const ATTRIBUTES = " .gitattributes\0";

type Entries = Map<string, TreeEntry>;

const byName = (entries: TreeEntry[]): Entries => new Map(entries.map((entry) => [entry.name, entry]));

const treeOf = (entry: TreeEntry | null): string | null => (entry?.kind === "tree" ? entry.id : null);

async function contentOf(work: Work, tree: string | null): Promise<Buffer> {
  if (tree === null) return EMPTY;
  const { content } = await read(work, tree, "tree");
  if (work.slice.isOver()) await work.slice.next();
  return content;
}

const EMPTY = Buffer.alloc(0);

/** @throws LeftToGit when the object is of another type */
async function read({ readStored }: Work, id: string, type: GitObject["type"]): Promise<GitObject> {
  const object = await readStored(id);
  if (object.type !== type) throw new LeftToGit(`${id} is not a ${type}`);
  return object;
}
