import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Entry, TreeQuery } from "./entries.js";

/** A file that .gitattributes gives to LFS. */
export interface Filtered extends Entry {
  /** True: the file's attributes would have it converted. */
  isConverted: boolean;
}

/** The attributes by which git converts a file that it writes: convert.c, convert_attrs() */
const CONVERTING = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/**
 * @param attributes every .gitattributes, as git ls-tree prints it
 * @returns the files that have filter=lfs, and whether they would be converted
 */
export async function selectFiltered(
  { git, from }: TreeQuery,
  entries: Entry[],
  attributes: string[],
): Promise<Filtered[]> {
  if (attributes.length === 0 || entries.length === 0) return [];
  const index = join(from.gitDir!, "attributes.index");
  rmSync(index, { force: true });
  const call = { ...from, workTree: { dir: from.gitDir!, index } };
  // git update-index --index-info; git check-attr --cached --stdin filter: with an index of attribute files
  // alone
  await git({ ...call, args: ["update-index", "--index-info"], input: `${attributes.join("\n")}\n` });
  const readAttributes = async (names: string[], of: Entry[]): Promise<string[]> => {
    if (of.length === 0) return [];
    const input = `${of.map(({ path }) => path).join("\n")}\n`;
    const { stdout } = await git({ ...call, args: ["check-attr", "--cached", "--stdin", ...names], input });
    return stdout.split("\n").map((line) => line.slice(line.lastIndexOf(": ") + 2));
  };
  const filters = await readAttributes(["filter"], entries);
  const found = entries.filter((_, n) => filters[n] === "lfs");
  const values = await readAttributes(CONVERTING, found);
  const width = CONVERTING.length;
  return found.map((one, n) => ({
    ...one,
    isConverted: isConverted(values.slice(n * width, (n + 1) * width)),
  }));
}

/** Without `text` the ends of lines stay, whatever `eol` says. */
function isConverted([text, crlf, eol, ...others]: string[]): boolean {
  const ends = text === "unset" ? [] : [text, crlf, eol];
  return [...ends, ...others].some((value) => value !== "unspecified" && value !== "unset");
}
