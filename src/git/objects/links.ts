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
export function readTree(content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0 || end + 1 + NAME_BYTES > content.length)
      throw new LeftToGit("a tree is cut off");
    // git refuses to walk such a tree.
    if (end === space + 1) throw new LeftToGit("a tree has an entry without a name");
    const id = content.toString("hex", end + 1, end + 1 + NAME_BYTES);
    // A file's name is bytes; here it is only compared.
    const name = content.toString("latin1", space + 1, end);
    const mode = content.toString("latin1", at, space);
    entries.push({ name, id, mode, kind: kindOf(mode) });
    at = end + 1 + NAME_BYTES;
  }
  return entries;
}

function kindOf(mode: string): TreeEntry["kind"] {
  if (mode === "40000") return "tree";
  if (mode === "160000") return "gitlink";
  if (/^(?:100644|100755|120000)$/.test(mode)) return "blob";
  throw new LeftToGit("a tree has an unusual mode");
}
