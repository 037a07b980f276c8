import type { TreeQuery } from "./entries.js";
import type { Filtered } from "./filter.js";

/** A file of a commit that stands for a file of LFS. Its path is quoted as git does. */
export interface Pointer {
  path: string;
  mode: "100644" | "100755";
  /** SHA-256 of the file's content. */
  oid: string;
  size: number;
  /** True: the file's attributes would have it converted. */
  isConverted: boolean;
}

/** Without extensions a pointer has three lines of known lengths. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTER_BYTES = { min: 120, max: 160 };
const POINTER =
  /^([\da-f]+) blob \d+\nversion https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([\da-f]{64})\nsize (\d{1,15})\n$/gm;

/** @returns the files that are pointers */
export async function readPointers({ git, from }: TreeQuery, files: Filtered[]): Promise<Pointer[]> {
  if (files.length === 0) return [];
  const catFile = async (how: string, objects: string[]) => {
    // git cat-file --batch-check, or --batch
    const args = ["cat-file", how];
    return (await git({ ...from, args, input: `${objects.join("\n")}\n` })).stdout;
  };
  const shas = [...new Set(files.map(({ sha }) => sha))];
  const sizes = (await catFile("--batch-check", shas)).trim().split("\n");
  const small = shas.filter((_, n) => {
    const size = Number(sizes[n]!.split(" ")[2]);
    return size >= POINTER_BYTES.min && size <= POINTER_BYTES.max;
  });
  if (small.length === 0) return [];
  const texts = await catFile("--batch", small);
  const found = new Map([...texts.matchAll(POINTER)].map(([, sha, oid, size]) => [sha!, { oid, size }]));
  return files.flatMap(({ path, mode, sha, isConverted }) => {
    const { oid, size } = found.get(sha) ?? {};
    return oid ? [{ path, mode: mode as Pointer["mode"], oid, size: Number(size), isConverted }] : [];
  });
}
