import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RunGit } from "../run/exec.js";
import type { Source } from "./gitmodules.js";

/** A file of a commit that stands for another one. Its path is quoted as git does. */
export interface Pointer {
  path: string;
  mode: "100644" | "100755";
  /** SHA-256 of the file's content. */
  oid: string;
  size: number;
  /** Its attributes would have it converted. */
  isConverted: boolean;
}

/** What was found in a tree, so that the next one costs what has changed. */
export interface Scan {
  tree: string;
  /** Every .gitattributes, as git ls-tree prints it. */
  attributes: string[];
  pointers: Pointer[];
}

interface Entry {
  path: string;
  mode: string;
  sha: string;
}

interface Filtered extends Entry {
  isConverted: boolean;
}

/** What git goes by when it writes a file: convert.c, convert_attrs() */
const CONVERTING = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/** Without extensions a pointer has three lines of known lengths. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTER_BYTES = { min: 120, max: 160 };
const POINTER =
  /^([\da-f]+) blob \d+\nversion https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([\da-f]{64})\nsize (\d{1,15})\n$/gm;

/**
 * The files that .gitattributes gives to LFS and that are pointers.
 * @param paths only these, and what is below them; none: all
 */
export async function findPointers(
  git: RunGit,
  from: Source,
  tree: string,
  paths: string[],
  known: Scan | null,
): Promise<Scan> {
  const run = async (args: string[], input?: string) =>
    (
      await git({
        ...from,
        args: ["--literal-pathspecs", ...args],
        ...(input === undefined ? {} : { input }),
      })
    ).stdout;

  async function changed(): Promise<{ entries: Entry[]; gone: Set<string>; before: Scan } | null> {
    if (known === null) return null;
    // git diff-tree -r --no-renames <old> <new> -- <path>…; -r tells of submodules as 160000
    const args = ["diff-tree", "-r", "--no-renames", known.tree, tree, "--", ...withAttributes(paths)];
    const lines = (await run(args)).split("\n").flatMap((line) => {
      const [, mode, sha, path] = /^:\d+ (\d+) [\da-f]+ ([\da-f]+) \w\t(.+)$/.exec(line) ?? [];
      return mode && sha && path ? [{ mode, sha, path }] : [];
    });
    if (lines.some(({ path }) => isAttributes(path))) return null;
    return { entries: lines.filter(isFile), gone: new Set(lines.map(({ path }) => path)), before: known };
  }

  async function all(): Promise<{ entries: Entry[]; attributes: string[] }> {
    // git ls-tree -r <tree> -- <path>…
    const listed = await run(["ls-tree", "-r", tree, "--", ...withAttributes(paths)]);
    const lines = listed.split("\n").filter(Boolean);
    const entries = lines.map((line) => {
      const [mode = "", , sha = ""] = line.split(/[ \t]/);
      return { mode, sha, path: line.slice(line.indexOf("\t") + 1) };
    });
    const attributes = lines.filter((_, n) => isAttributes(entries[n]!.path) && isFile(entries[n]!));
    return { entries: entries.filter(isFile), attributes };
  }

  /** @returns those that have filter=lfs, and whether they would be converted */
  async function filtered(entries: Entry[], attributes: string[]): Promise<Filtered[]> {
    if (attributes.length === 0 || entries.length === 0) return [];
    const index = join(from.gitDir!, "attributes.index");
    rmSync(index, { force: true });
    const call = { ...from, workTree: { dir: from.gitDir!, index } };
    // git update-index --index-info; git check-attr --cached --stdin filter: of an index with nothing else in it
    await git({ ...call, args: ["update-index", "--index-info"], input: `${attributes.join("\n")}\n` });
    const asked = async (names: string[], of: Entry[]): Promise<string[]> => {
      if (of.length === 0) return [];
      const input = `${of.map(({ path }) => path).join("\n")}\n`;
      const { stdout } = await git({ ...call, args: ["check-attr", "--cached", "--stdin", ...names], input });
      return stdout.split("\n").map((line) => line.slice(line.lastIndexOf(": ") + 2));
    };
    const filters = await asked(["filter"], entries);
    const found = entries.filter((_, n) => filters[n] === "lfs");
    const values = await asked(CONVERTING, found);
    const width = CONVERTING.length;
    return found.map((one, n) => ({
      ...one,
      isConverted: isConverted(values.slice(n * width, (n + 1) * width)),
    }));
  }

  async function read(entries: Filtered[]): Promise<Pointer[]> {
    if (entries.length === 0) return [];
    const shas = [...new Set(entries.map(({ sha }) => sha))];
    const sizes = (await run(["cat-file", "--batch-check"], `${shas.join("\n")}\n`)).trim().split("\n");
    const small = shas.filter((_, n) => {
      const size = Number(sizes[n]!.split(" ")[2]);
      return size >= POINTER_BYTES.min && size <= POINTER_BYTES.max;
    });
    if (small.length === 0) return [];
    const texts = await run(["cat-file", "--batch"], `${small.join("\n")}\n`);
    const found = new Map([...texts.matchAll(POINTER)].map(([, sha, oid, size]) => [sha!, { oid, size }]));
    return entries.flatMap(({ path, mode, sha, isConverted }) => {
      const { oid, size } = found.get(sha) ?? {};
      return oid ? [{ path, mode: mode as Pointer["mode"], oid, size: Number(size), isConverted }] : [];
    });
  }

  const part = await changed();
  if (part === null) {
    const { entries, attributes } = await all();
    return { tree, attributes, pointers: await read(await filtered(entries, attributes)) };
  }
  const { attributes, pointers } = part.before;
  const fresh = await read(await filtered(part.entries, attributes));
  return { tree, attributes, pointers: [...pointers.filter(({ path }) => !part.gone.has(path)), ...fresh] };
}

/** Without `text` the ends of lines stay, whatever `eol` says. */
function isConverted([text, crlf, eol, ...others]: string[]): boolean {
  const ends = text === "unset" ? [] : [text, crlf, eol];
  return [...ends, ...others].some((value) => value !== "unspecified" && value !== "unset");
}

const isFile = ({ mode }: Entry): boolean => mode === "100644" || mode === "100755";

const isAttributes = (path: string): boolean => /(?:^"?|\/)\.gitattributes"?$/.test(path);

/** What tells how the paths are converted may be above them. */
export const withAttributes = (paths: string[]): string[] => [
  ...new Set([...paths, ...paths.flatMap(attributesAbove)]),
];

const attributesAbove = (path: string): string[] =>
  path.split("/").map((_, n, parts) => [...parts.slice(0, n), ".gitattributes"].join("/"));
