import { randomBytes } from "node:crypto";
import { readable, unquoted } from "../../run/path-bytes.js";
import type { TreeQuery } from "./entries.js";
import type { Filtered } from "./filter.js";
import { type PointerText, parsePointer } from "./parse.js";

/** A file of a commit that stands for a file of LFS. Its path is quoted as git does. */
export interface Pointer extends PointerText {
  path: string;
  mode: "100644" | "100755";
  /** True: the file's attributes would have it converted. */
  isConverted: boolean;
}

/** A file that looks like a pointer but cannot be read. Its path is quoted as git does. */
export interface UnreadablePointer {
  path: string;
  fault: string;
}

export interface ReadPointers {
  pointers: Pointer[];
  unreadable: UnreadablePointer[];
}

/** git-lfs reads no further: `blobSizeCutoff` in lfs/lfs.go. */
export const MAX_POINTER_BYTES = 1024;
/** This many contents are in memory at a time. */
const AT_ONCE = 10_000;

/** Pointers, and texts that look like one, by the names of the git objects that they are in. */
export type Parsed = Map<string, NonNullable<ReturnType<typeof parsePointer>>>;

/** @returns the files that are pointers, and those that look like one */
export async function readPointers(query: TreeQuery, files: Filtered[]): Promise<ReadPointers> {
  const found: ReadPointers = { pointers: [], unreadable: [] };
  const shas = await findSmall(query, [...new Set(files.map(({ sha }) => sha))]);
  const parsed: Parsed = new Map();
  for (let n = 0; n < shas.length; n += AT_ONCE) await parseAll(query, shas.slice(n, n + AT_ONCE), parsed);
  for (const { path, mode, sha, isConverted } of files) {
    const pointer = parsed.get(sha);
    if (pointer === undefined) continue;
    if ("fault" in pointer) found.unreadable.push({ path, fault: pointer.fault });
    else found.pointers.push({ path, mode: mode as Pointer["mode"], ...pointer, isConverted });
  }
  return found;
}

async function findSmall({ git, from }: TreeQuery, shas: string[]): Promise<string[]> {
  if (shas.length === 0) return [];
  // git cat-file --batch-check
  const { stdout } = await git({
    ...from,
    args: ["cat-file", "--batch-check"],
    input: `${shas.join("\n")}\n`,
  });
  const sizes = stdout.split("\n").map((line) => Number(line.split(" ")[2]));
  return shas.filter((_, n) => sizes[n]! <= MAX_POINTER_BYTES);
}

/** Reads small contents, all of which are in memory at once, and adds those that are pointers. */
export async function parseAll(
  { git, from }: Pick<TreeQuery, "git" | "from">,
  shas: string[],
  parsed: Parsed,
): Promise<void> {
  // No content can have the mark in it, so contents need not be counted in bytes.
  const mark = randomBytes(16).toString("hex");
  // git cat-file --batch='<mark> %(objectname)'
  const args = ["cat-file", `--batch=${mark} %(objectname)`];
  const { stdout } = await git({ ...from, args, input: `${shas.join("\n")}\n` });
  for (const answer of stdout.split(`${mark} `).slice(1)) {
    const end = answer.indexOf("\n");
    const pointer = parsePointer(answer.slice(end + 1));
    if (pointer) parsed.set(answer.slice(0, end), pointer);
  }
}

/** Says for people what became of a file. @param prefix the path of the repository's part in the published tree */
export const describeUnreadable = ({ path, fault }: UnreadablePointer, prefix: string): string =>
  `${prefix}${readable(unquoted(path))} is published as a pointer of Git LFS: ${fault}`;
