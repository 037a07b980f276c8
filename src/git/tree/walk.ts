import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type BytePath, below, unquoted } from "../run/path-bytes.js";

/** The mode that git has for each path of a tree. */
export type Entries = Map<BytePath, string>;

/** Permissions, as of chmod(2). */
interface Modes {
  file: number;
  executable: number;
  directory: number;
}

const PERMISSIONS = 0o7777;
const OWNERS = 0o700;
/** This many paths are read in one go, before other work has its turn. */
const AT_ONCE = 1_000;

/**
 * @param lines of git ls-files -t -s, whose paths are quoted; the result lacks files that were left out on
 * purpose
 */
export function entriesOf(lines: string[]): Entries {
  const entries: Entries = new Map();
  for (const line of lines) {
    const [, tag, mode, path] = /^(\S) (\d+) \S+ \d\t(.*)$/.exec(line) ?? [];
    if (path !== undefined && tag !== "S") entries.set(unquoted(path), mode!);
  }
  return entries;
}

/**
 * Finds what git ignores, since git would never commit it: empty directories, whatever is in a submodule's
 * place, anything called `.git`, files outside of the sparse paths, permissions other than the owner's x.
 * @param beside a temporary place, where files get the same permissions
 * @throws the signal's reason
 */
export async function findUnexpectedIn(
  tree: string,
  entries: Entries,
  beside: string,
  signal?: AbortSignal,
): Promise<BytePath[]> {
  const modes = modesBeside(beside);
  const directories = parentsOf(entries);
  const top = lstatSync(tree, { throwIfNoEntry: false });
  if (!top?.isDirectory() || (top.mode & OWNERS) !== OWNERS) return ["."];
  const found: BytePath[] = [];
  const left: BytePath[] = [""];
  let seen = 0;
  for (let under = left.pop(); under !== undefined; under = left.pop()) {
    for (const name of readdirSync(below(tree, under), { encoding: "latin1" })) {
      if (++seen % AT_ONCE === 0) {
        await turn();
        signal?.throwIfAborted();
      }
      const path = under + name;
      const kind = directories.has(path) ? "directory" : entries.get(path);
      if (kind === undefined || !isAsGitMakesIt(below(tree, path), kind, modes)) found.push(path);
      else if (kind === "directory") left.push(`${path}/`);
    }
  }
  return found;
}

function isAsGitMakesIt(file: Buffer, kind: string, modes: Modes): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  // git itself reports a path that is missing or is of another type.
  if (!stat || stat.isSymbolicLink()) return kind !== "directory";
  const permissions = stat.mode & PERMISSIONS;
  if (kind === "directory") return stat.isDirectory() && permissions === modes.directory;
  if (kind === "160000")
    return stat.isDirectory() && permissions === modes.directory && readdirSync(file).length === 0;
  return !stat.isFile() || permissions === (kind === "100755" ? modes.executable : modes.file);
}

function parentsOf(entries: Entries): Set<BytePath> {
  const parents = new Set<BytePath>();
  for (let path of entries.keys())
    for (let end = path.lastIndexOf("/"); end > 0 && !parents.has(path.slice(0, end)); ) {
      path = path.slice(0, end);
      parents.add(path);
      end = path.lastIndexOf("/");
    }
  return parents;
}

/**
 * Returns the modes that git asks for (entry.c), less what the umask, or a default ACL of the directory,
 * removes.
 */
function modesBeside(place: string): Modes {
  rmSync(place, { recursive: true, force: true });
  const permissions = (name: string) => lstatSync(join(place, name)).mode & PERMISSIONS;
  try {
    mkdirSync(place, 0o777);
    closeSync(openSync(join(place, "file"), "w", 0o666));
    closeSync(openSync(join(place, "executable"), "w", 0o777));
    return { file: permissions("file"), executable: permissions("executable"), directory: permissions(".") };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
