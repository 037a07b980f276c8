import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { forEachInSlices, linesOf, mapInSlices } from "../../base/slices.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";

type Within = Omit<GitCall, "args" | "gitDir"> & { gitDir: string };

/** A possible ancestor, and its possible descendant. */
export type Pair = readonly [ancestor: string, descendant: string];

/** The descendant is ahead of the ancestor only, equal, behind only, or neither; null: a commit is missing. */
export type Relation = ">" | "=" | "<" | "<>" | null;

/** One process gets this many pairs. */
const AT_ONCE = 5_000;
const FORMAT = "%(refname) %(upstream:trackshort)";

/** Compares each pair of commits, with one git for all of them. @throws RefreshError */
export async function compareHistories(git: RunGit, within: Within, pairs: Pair[]): Promise<Relation[]> {
  const all: Relation[] = [];
  for (let n = 0; n < pairs.length; n += AT_ONCE)
    all.push(...(await compareOrSplit(git, within, pairs.slice(n, n + AT_ONCE))));
  return all;
}

/** A history with a hole ends git, whatever the other pairs are; such a pair is found by halves. */
async function compareOrSplit(git: RunGit, within: Within, pairs: Pair[]): Promise<Relation[]> {
  try {
    return await compareInScratch(git, within, pairs);
  } catch (error) {
    if (!(error instanceof GitFailure) || error.code === "disk_full") throw error;
    if (pairs.length <= 1) return pairs.map(() => null);
    const half = Math.ceil(pairs.length / 2);
    const first = await compareOrSplit(git, within, pairs.slice(0, half));
    return [...first, ...(await compareOrSplit(git, within, pairs.slice(half)))];
  }
}

async function compareInScratch(git: RunGit, within: Within, pairs: Pair[]): Promise<Relation[]> {
  const scratch = await makeScratch(within.gitDir, pairs);
  try {
    // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git for-each-ref --format='…%(upstream:trackshort)' refs/heads/
    const objects = { gitDir: scratch, objectDir: join(within.gitDir, "objects") };
    const { stdout } = await git({
      ...within,
      ...objects,
      args: ["for-each-ref", `--format=${FORMAT}`, "refs/heads/"],
    });
    return await readAnswers(stdout, pairs);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const nameOf = (n: number): string => String(n).padStart(6, "0");

/**
 * Makes a git directory in which each pair is a branch and its upstream. What a kill leaves is removed
 * with other half work. Layout: gitrepository-layout(5), git-config(1) branch.<name>.merge.
 */
async function makeScratch(gitDir: string, pairs: Pair[]): Promise<string> {
  const dir = await mkdtemp(join(dirname(gitDir), "ancestry-"));
  await mkdir(join(dir, "refs"));
  await writeFile(join(dir, "HEAD"), "ref: refs/heads/none\n");
  const branches = await mapInSlices(
    pairs.keys(),
    (n) => `[branch "${nameOf(n)}"]\n\tremote = .\n\tmerge = refs/up/${nameOf(n)}\n`,
  );
  await writeFile(
    join(dir, "config"),
    `[core]\n\trepositoryformatversion = 0\n\tbare = true\n${branches.join("")}`,
  );
  const heads = await mapInSlices(
    pairs.entries(),
    ([n, [, descendant]]) => `${descendant} refs/heads/${nameOf(n)}\n`,
  );
  const upstreams = await mapInSlices(
    pairs.entries(),
    ([n, [ancestor]]) => `${ancestor} refs/up/${nameOf(n)}\n`,
  );
  const refs = heads.concat(upstreams).join("");
  await writeFile(join(dir, "packed-refs"), `# pack-refs with: sorted \n${refs}`);
  await copyFile(join(gitDir, "shallow"), join(dir, "shallow")).catch(ignoreMissing);
  return dir;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/** git prints no relation where an object is missing, or is not a commit. */
async function readAnswers(stdout: string, pairs: Pair[]): Promise<Relation[]> {
  const relations = new Map<string, Relation>();
  await forEachInSlices(linesOf(stdout), (line) => {
    const [ref = "", relation] = line.split(" ");
    if (relation) relations.set(ref, relation as Relation);
  });
  return mapInSlices(pairs.keys(), (n) => relations.get(`refs/heads/${nameOf(n)}`) ?? null);
}

/** Reads the times of commits, in seconds since 1970, with one git. Commits that are missing have none. */
export async function readTimes(
  git: RunGit,
  within: Within,
  commits: string[],
): Promise<Map<string, number>> {
  // git log --no-walk=unsorted --ignore-missing --format='%H %ct' --stdin
  const args = ["log", "--no-walk=unsorted", "--ignore-missing", "--format=%H %ct", "--stdin"];
  const input = commits.map((commit) => `${commit}\n`).join("");
  const { stdout } = await git({ ...within, args, input });
  const lines = stdout.split("\n").map((line) => line.split(" "));
  return new Map(lines.map(([commit = "", time]) => [commit, Number(time)]));
}
