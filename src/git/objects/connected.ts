import { beginSlice, type Slice } from "../../base/slices.js";
import { readCommit, readTree, type TreeEntry } from "./links.js";
import { type Budget, createBudget, type GitObject, LeftToGit } from "./object.js";
import type { Received } from "./received.js";
import type { ReadStored } from "./stored.js";

/** What a mirror has, and what was received on top. */
interface Work {
  received: Received;
  /** A commit that a ref of the mirror leads to, so that the mirror has all that it needs. */
  base: string;
  readStored: ReadStored;
  /** What is needed by the base, or is proven: objects in trees, as `kind id`. */
  known: Set<string>;
  /** What is proven, in an order in which no object comes before what it needs. */
  proven: Map<string, GitObject>;
  /** For the trees that are walked, which may be the same ones many times. */
  budget: Budget;
  slice: Slice;
}

/** A proof that an object is there with all that it needs; or that git must be asked, which can walk further. */
export type Proof = { isProven: true; needed: ReadonlyMap<string, GitObject> } | { isProven: false };

/**
 * Proves that a received commit, with all that it needs, is received or in the mirror: that each commit leads to the
 * base by received commits alone, and that each entry of their trees is received, or is in a tree of the base or of a
 * commit in between. What `git rev-list --objects <commit> --not <base>` walks, this walks, too.
 * @returns the received objects that the commit needs, in an order in which none comes before what it needs
 * @throws LeftToGit for objects that cannot be read
 */
export async function prove(
  received: Received,
  { want, base, readStored }: { want: string; base: string; readStored: ReadStored },
): Promise<Proof> {
  const work: Work = {
    received,
    base,
    readStored,
    known: new Set(),
    proven: new Map(),
    budget: createBudget(),
    slice: beginSlice(),
  };
  const commits = inOrder(work, want);
  if (commits === null) return { isProven: false };
  for (const commit of commits) if (!(await proveCommit(work, commit))) return { isProven: false };
  return { isProven: true, needed: work.proven };
}

/** @returns the received commits that lead from `want` to the base, parents first; null: not all lead there */
function inOrder({ received, base }: Work, want: string): string[] | null {
  const order: string[] = [];
  const seen = new Set<string>();
  /** A commit is pushed once for its parents, and once more when they are done. */
  const stack: { id: string; isDone: boolean }[] = [{ id: want, isDone: false }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { id, isDone } = top;
    if (isDone) {
      order.push(id);
      continue;
    }
    if (seen.has(id) || id === base) continue;
    seen.add(id);
    const commit = received.get(id);
    const parents = commit?.type === "commit" ? readCommit(commit.content).parents : [];
    if (parents.length === 0) return null;
    stack.push({ id, isDone: true }, ...parents.map((parent) => ({ id: parent, isDone: false })));
  }
  return order;
}

async function proveCommit(work: Work, id: string): Promise<boolean> {
  const commit = work.received.get(id)!;
  const { tree, parents } = readCommit(commit.content);
  const before: string[] = [];
  // A commit may name one parent many times.
  for (const parent of new Set(parents)) before.push(await treeOf(work, parent));
  if (!(await proveTree(work, tree, [...new Set(before)]))) return false;
  work.proven.set(id, commit);
  return true;
}

const treeOf = async (work: Work, commit: string): Promise<string> =>
  readCommit((await read(work, commit, "commit")).content).tree;

/** @param before the trees that were there in the parents; they are proven, or needed by the base */
async function proveTree(work: Work, id: string, before: string[]): Promise<boolean> {
  if (before.includes(id) || work.known.has(`tree ${id}`)) return true;
  const tree = work.received.get(id);
  if (tree?.type !== "tree") return false;
  const entriesBefore: TreeEntry[] = [];
  for (const old of before) {
    for (const entry of await entriesOf(work, await read(work, old, "tree"))) {
      entriesBefore.push(entry);
      work.known.add(keyOf(entry));
    }
  }
  for (const entry of await entriesOf(work, tree))
    if (!(await proveEntry(work, entry, entriesBefore))) return false;
  work.known.add(`tree ${id}`);
  work.proven.set(id, tree);
  return true;
}

/** Lets other work run before the next tree, when there were many. */
async function entriesOf({ budget, slice }: Work, tree: GitObject): Promise<TreeEntry[]> {
  budget.take(tree.content.length);
  if (slice.isOver()) await slice.next();
  return readTree(tree.content);
}

async function proveEntry(work: Work, entry: TreeEntry, before: TreeEntry[]): Promise<boolean> {
  if (entry.kind === "gitlink" || work.known.has(keyOf(entry))) return true;
  if (entry.kind === "tree") {
    const same = before.filter(({ name, kind }) => kind === "tree" && name === entry.name);
    return proveTree(work, entry.id, [...new Set(same.map(({ id }) => id))]);
  }
  const blob = work.received.get(entry.id);
  if (blob?.type !== "blob") return false;
  work.known.add(keyOf(entry));
  work.proven.set(entry.id, blob);
  return true;
}

const keyOf = ({ kind, id }: TreeEntry): string => `${kind} ${id}`;

/** @throws LeftToGit when the object is of another type */
async function read({ received, readStored }: Work, id: string, type: GitObject["type"]): Promise<GitObject> {
  const object = received.get(id) ?? (await readStored(id));
  if (object.type !== type) throw new LeftToGit(`${id} is not a ${type}`);
  return object;
}
