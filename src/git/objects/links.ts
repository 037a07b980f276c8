import { LeftToGit } from "./object.js";

export interface TreeEntry {
  name: string;
  id: string;
  /** As git writes it: 40000, 100644, 100755, 120000 or 160000. */
  mode: string;
  /** `gitlink`: a commit of another repository, which is not in this one. */
  kind: "tree" | "blob" | "gitlink";
}

const NAME_BYTES = 20;
const HEADER = /^tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author /;

/** A merge of more branches is git's to walk. */
const MAX_PARENTS = 16;
const HEADER_BYTES = "tree \n".length + 40 + MAX_PARENTS * ("parent \n".length + 40) + "author ".length;

/** @returns what a commit needs @throws LeftToGit when it is not written as git writes commits, or has many parents */
export function readCommit(content: Buffer): { tree: string; parents: string[] } {
  // Only the header is made a string: the names that are found in it would keep the whole message in memory.
  const [, tree, parents] = HEADER.exec(content.toString("latin1", 0, HEADER_BYTES)) ?? [];
  if (tree === undefined || parents === undefined)
    throw new LeftToGit("a commit is unlike those that git writes");
  return { tree, parents: parents.match(/[0-9a-f]{40}/g) ?? [] };
}

/** @throws LeftToGit when the content is no tree */
export const readTree = (content: Buffer): TreeEntry[] =>
  readEntries(content, { from: 0, to: content.length }).entries;

/**
 * Reads the entries of two trees, without most of those with which both begin or end: a push changes one entry of a
 * thousand. @throws LeftToGit when what is read is no tree
 */
export function readTreesApart(one: Buffer, other: Buffer): [TreeEntry[], TreeEntry[]] {
  const from = beginOfEntry(one, commonStart(one, other));
  const tail = commonEnd(one, other, from);
  const first = readEntries(one, { from, to: one.length - tail });
  const second = readEntries(other, { from, to: other.length - tail });
  // What follows is the same for both only if it begins at the same byte.
  if (one.length - first.end === other.length - second.end) return [first.entries, second.entries];
  const rest = (content: Buffer) => readEntries(content, { from, to: content.length }).entries;
  return [rest(one), rest(other)];
}

function commonStart(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length);
  let n = 0;
  while (n < most && one[n] === other[n]) n++;
  return n;
}

/** @param from what comes before is not looked at */
function commonEnd(one: Buffer, other: Buffer, from: number): number {
  const most = Math.min(one.length, other.length) - from;
  let n = 0;
  while (n < most && one[one.length - 1 - n] === other[other.length - 1 - n]) n++;
  return n;
}

/** @returns where the last entry begins that does so at `at` or before */
function beginOfEntry(content: Buffer, at: number): number {
  for (let begin = 0; ; ) {
    const next = endOfName(content, begin) + 1 + NAME_BYTES;
    if (next > at || next > content.length) return begin;
    begin = next;
  }
}

/** @returns where the zero byte after an entry's name is; the content's length if there is none */
function endOfName(content: Buffer, at: number): number {
  const end = content.indexOf(0, at);
  return end < 0 ? content.length : end;
}

/** Reads the entries that begin at `from`, and before `to`. @returns also where the last one ends */
function readEntries(
  content: Buffer,
  { from, to }: { from: number; to: number },
): { entries: TreeEntry[]; end: number } {
  const entries: TreeEntry[] = [];
  let at = from;
  while (at < to) {
    const space = content.indexOf(0x20, at);
    const end = endOfName(content, Math.max(space, 0));
    if (space < 0 || end + 1 + NAME_BYTES > content.length) throw new LeftToGit("a tree is cut off");
    // git refuses to walk such a tree.
    if (end === space + 1) throw new LeftToGit("a tree has an entry without a name");
    const id = content.toString("hex", end + 1, end + 1 + NAME_BYTES);
    // A file's name is bytes; here it is only compared.
    const name = content.toString("latin1", space + 1, end);
    const mode = content.toString("latin1", at, space);
    entries.push({ name, id, mode, kind: kindOf(mode) });
    at = end + 1 + NAME_BYTES;
  }
  return { entries, end: at };
}

function kindOf(mode: string): TreeEntry["kind"] {
  if (mode === "40000") return "tree";
  if (mode === "160000") return "gitlink";
  if (/^(?:100644|100755|120000)$/.test(mode)) return "blob";
  throw new LeftToGit("a tree has an unusual mode");
}
