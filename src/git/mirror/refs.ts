import { type RefChange, ZERO } from "../../base/model.js";
import { RESERVED_REFS } from "../../base/names.js";
import { forEachInSlices, mapInSlices } from "../../base/slices.js";
import type { RunGit } from "../run/exec.js";
import { requireAllRefs } from "../run/failure.js";
import { changeRefs } from "./change-refs.js";

const TIMEOUT_MS = 120_000;

/**
 * Reads refs by name, without symbolic refs and Lockstep's own.
 * @param isWanted leaves out refs by their names
 * @throws GitFailure `corrupt` when a ref cannot be read, or its object does not exist
 */
export async function readRefs(
  git: RunGit,
  mirror: string,
  prefixes: string[],
  { signal, isWanted }: { signal?: AbortSignal | undefined; isWanted?(ref: string): boolean } = {},
) {
  // git for-each-ref --format='%(objectname) %(refname) %(symref) %(objecttype)' <prefix>… opens each object
  const more = ["%(symref)", "%(objecttype)"];
  const { refs, ...answer } = await readLines(git, mirror, { more, prefixes, signal, isWanted });
  requireAllRefs(answer);
  return refs;
}

/** Reads the refs of a mirror that may be broken, as far as they can be read, whatever their objects are. */
export async function readBrokenRefs(git: RunGit, mirror: string, signal?: AbortSignal) {
  // git for-each-ref --format='%(objectname) %(refname) %(symref)'
  const { refs } = await readLines(git, mirror, { more: ["%(symref)"], prefixes: [], signal });
  return refs;
}

interface Asked {
  /** What is printed of each ref beside its object and its name. */
  more: string[];
  prefixes: string[];
  isWanted?: ((ref: string) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

async function readLines(
  git: RunGit,
  mirror: string,
  { more, prefixes, isWanted = () => true, signal }: Asked,
) {
  const format = ["%(objectname)", "%(refname)", ...more].join(" ");
  const refs = new Map<string, string>();
  const { stderr } = await git({
    args: ["for-each-ref", `--format=${format}`, ...prefixes],
    gitDir: mirror,
    timeoutMs: TIMEOUT_MS,
    takeLine(line) {
      const [sha, ref, symref] = line.split(" ");
      if (sha && ref && !symref && !ref.startsWith(RESERVED_REFS) && isWanted(ref)) refs.set(ref, sha);
    },
    ...(signal ? { signal } : {}),
  });
  return { refs, stderr };
}

/**
 * Changes a mirror's refs, which nothing else does: compare and swap, all or nothing. The changes are on disk
 * when the call returns.
 * @param made refs that are also made, or exist already: their names contain the object's.
 * @throws GitFailure `tip_moved` when a ref is not at `before`, `ref_conflict` for `a` beside `a/b`.
 */
export async function swapRefs(
  git: RunGit,
  mirror: string,
  changes: RefChange[],
  made: { name: string; sha: string }[] = [],
): Promise<void> {
  if (changes.length === 0 && made.length === 0) return;
  // git update-ref --stdin -z; "update" with a zero old value creates, "delete" needs the old value
  const commands = await mapInSlices(changes, ({ ref, before, after }) =>
    after === ZERO ? `delete ${ref}\0${before}\0` : `update ${ref}\0${after}\0${before}\0`,
  );
  // The new names come first, as git renames its locks in this order: killed halfway, git has kept rather
  // than lost a tip. An empty old value compares nothing. Two refs that left the same tip may share a name.
  const names = new Map<string, string>();
  await forEachInSlices(made, ({ name, sha }) => void names.set(name, sha));
  const first = await mapInSlices(names, ([name, sha]) => `update ${name}\0${sha}\0\0`);
  const refs = await mapInSlices(changes, ({ ref }) => ref);
  await changeRefs(git, mirror, first.concat(commands), [...names.keys()].concat(refs));
}

/** Whether one of the two names is a directory of the other, so that only one of them can exist. */
export const clash = (a: string, b: string): boolean => a.startsWith(`${b}/`) || b.startsWith(`${a}/`);

/**
 * Finds names that clash with one of these in a time that does not grow with their number.
 * @returns a function that returns the first of the names that clashes with another name; null: none does
 */
export async function indexClashes(names: Iterable<string>): Promise<(ref: string) => string | null> {
  const known = new Set<string>();
  const below = new Map<string, string>();
  await forEachInSlices(names, (name) => {
    known.add(name);
    for (const directory of directoriesAbove(name)) if (!below.has(directory)) below.set(directory, name);
  });
  return (ref) => below.get(ref) ?? directoriesAbove(ref).find((directory) => known.has(directory)) ?? null;
}

function directoriesAbove(ref: string): string[] {
  const parts = ref.split("/");
  return parts.slice(1).map((_, n) => parts.slice(0, n + 1).join("/"));
}

/** Returns every ref in which the two differ. */
export async function compareTips(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Promise<RefChange[]> {
  const changes: RefChange[] = [];
  await forEachInSlices(after, ([ref, sha]) => {
    const old = before.get(ref) ?? ZERO;
    if (old !== sha) changes.push({ ref, before: old, after: sha });
  });
  await forEachInSlices(before, ([ref, sha]) => {
    if (!after.has(ref)) changes.push({ ref, before: sha, after: ZERO });
  });
  return changes;
}
