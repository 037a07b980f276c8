import { join } from "node:path";
import { createBudget, LeftToGit } from "../objects/object.js";
import { createReadStored } from "../objects/stored.js";
import { findTreeChanges } from "../objects/tree-changes.js";
import type { StreamCall, StreamGit } from "../run/stream.js";
import { type Count, countEntries } from "./count.js";
import type { Source } from "./gitmodules.js";

interface RecountCall {
  commit: string;
  paths: readonly string[];
  most: Count;
}

/** The last count of one subject. */
interface Known {
  commit: string;
  count: Count;
}

const MAX_KNOWN = 1_000;
/** A larger change is counted as a whole. */
const MAX_CHANGED = 1_000;
const CHANGED = /^:\d+ (\d+) [\da-f]+ ([\da-f]+) /;

/**
 * Counts commits one after another, so that a push costs what it changes: what a commit adds is added to the last
 * count, and nothing is taken away. Where this bound exceeds the budget, everything is counted.
 * @param direct whether small changes are counted without git
 * @returns counts at least what there is, for the subject that the key names
 */
export function createRecount(streamGit: StreamGit, { direct }: { direct: boolean }) {
  const known = new Map<string, Known>();
  return async (subject: string, from: Source, call: RecountCall): Promise<Count> => {
    const { commit, paths, most } = call;
    const key = JSON.stringify([subject, paths]);
    const last = known.get(key);
    const near = direct && last ? await boundDirectly(from, call, last) : null;
    const bound = near ?? (await boundOf(streamGit, from, call, last));
    const isWithin = bound !== null && bound.entries <= most.entries && bound.bytes <= most.bytes;
    const count = isWithin ? bound : await countEntries(streamGit, from, call);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, { commit, count });
    return count;
  };
}

export type Recount = ReturnType<typeof createRecount>;

/** @returns null: git is to count */
async function boundDirectly(
  { gitDir, alternate }: Source,
  { commit, paths }: RecountCall,
  known: Known,
): Promise<Count | null> {
  if (gitDir === null || alternate !== undefined || paths.length > 0) return null;
  const readStored = createReadStored(join(gitDir, "objects"), createBudget());
  try {
    const { changes } = await findTreeChanges(readStored, known.commit, commit);
    const found = changes.flatMap(({ after }) => after ?? []);
    let { bytes } = known.count;
    for (const { kind, id } of found) if (kind === "blob") bytes += (await readStored(id)).content.length;
    return { entries: known.count.entries + found.length, bytes };
  } catch (error) {
    if (error instanceof LeftToGit) return null;
    throw error;
  }
}

async function boundOf(
  streamGit: StreamGit,
  from: Source,
  { commit, paths }: RecountCall,
  known: Known | undefined,
): Promise<Count | null> {
  if (!known) return null;
  if (known.commit === commit) return known.count;
  try {
    // git --literal-pathspecs diff-tree -r -t --no-renames <last> <commit> -- <path>…
    const options = ["--literal-pathspecs", "diff-tree", "-r", "-t", "--no-renames"];
    const args = [...options, known.commit, commit, "--", ...paths];
    const lines = await readLines(streamGit, { ...from, args });
    if (lines === null) return null;
    const found = lines
      .map((line) => CHANGED.exec(line) ?? [])
      .filter(([, mode = "000000"]) => mode !== "000000");
    const files = found
      .filter(([, mode]) => mode!.startsWith("1") && mode !== "160000")
      .map(([, , sha]) => sha!);
    // git cat-file --batch-check=%(objectsize)
    const input = files.map((sha) => `${sha}\n`).join("");
    const sizes =
      files.length === 0
        ? []
        : await readLines(streamGit, { ...from, args: ["cat-file", "--batch-check=%(objectsize)"], input });
    const bytes = sizes!.reduce((sum, size) => sum + Number(size), known.count.bytes);
    return Number.isNaN(bytes) ? null : { entries: known.count.entries + found.length, bytes };
  } catch {
    from.signal?.throwIfAborted();
    return null; // The last commit may no longer be here.
  }
}

/** @returns null: there are too many lines */
async function readLines(streamGit: StreamGit, call: StreamCall): Promise<string[] | null> {
  const { stdout, done } = streamGit(call);
  done.catch(() => {});
  let text = "";
  let ends = 0;
  for await (const chunk of stdout) {
    text += String(chunk);
    ends += String(chunk).split("\n").length - 1;
    if (ends > MAX_CHANGED) return null;
  }
  await done;
  return text.split("\n").filter(Boolean);
}
