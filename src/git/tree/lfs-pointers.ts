import type { RunGit } from "../run/exec.js";
import type { Source } from "./gitmodules.js";
import { type Entry, listChangedEntries, listEntries, type TreeQuery } from "./pointers/entries.js";
import { selectFiltered } from "./pointers/filter.js";
import { type Pointer, type ReadPointers, readPointers, type UnreadablePointer } from "./pointers/read.js";

export { withAttributes } from "./pointers/attributes.js";
export { describeUnreadable, type Pointer } from "./pointers/read.js";

/** The result of scanning a tree, so that scanning the next tree costs only what has changed. */
export interface Scan {
  tree: string;
  /** Every .gitattributes, as git ls-tree prints it. */
  attributes: string[];
  pointers: Pointer[];
  unreadable: UnreadablePointer[];
}

/**
 * Finds the files that .gitattributes gives to LFS and that are pointers, or look like one.
 * @param paths only these, and what is below them; none: all
 * @param known the scan of another tree, with the same paths
 */
export async function findPointers(
  git: RunGit,
  from: Source,
  tree: string,
  paths: string[],
  known: Scan | null,
): Promise<Scan> {
  const query: TreeQuery = { git, from, tree, paths };
  const difference = known && (await listChangedEntries(query, known.tree));
  if (!difference) {
    const { entries, attributes } = await listEntries(query);
    return { tree, attributes, ...(await pointersAmong(query, entries, attributes)) };
  }
  const { attributes } = known;
  const isUnchanged = ({ path }: { path: string }) => !difference.changed.has(path);
  const changed = await pointersAmong(query, difference.entries, attributes);
  const pointers = [...known.pointers.filter(isUnchanged), ...changed.pointers];
  return {
    tree,
    attributes,
    pointers,
    unreadable: [...known.unreadable.filter(isUnchanged), ...changed.unreadable],
  };
}

async function pointersAmong(
  query: TreeQuery,
  entries: Entry[],
  attributes: string[],
): Promise<ReadPointers> {
  return readPointers(query, await selectFiltered(query, entries, attributes));
}
