import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
  const scratch = makeScratch(within.gitDir, pairs);
  try {
    // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git for-each-ref --format='…%(upstream:trackshort)' refs/heads/
    const objects = { gitDir: scratch, objectDir: join(within.gitDir, "objects") };
    const { stdout } = await git({
      ...within,
      ...objects,
      args: ["for-each-ref", `--format=${FORMAT}`, "refs/heads/"],
    });
    return readAnswers(stdout, pairs);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const nameOf = (n: number): string => String(n).padStart(6, "0");

/**
 * Makes a git directory in which each pair is a branch and its upstream. What a kill leaves is removed
 * with other half work. Layout: gitrepository-layout(5), git-config(1) branch.<name>.merge.
 */
function makeScratch(gitDir: string, pairs: Pair[]): string {
  const dir = mkdtempSync(join(dirname(gitDir), "ancestry-"));
  mkdirSync(join(dir, "refs"));
  writeFileSync(join(dir, "HEAD"), "ref: refs/heads/none\n");
  const branches = pairs.map(
    (_, n) => `[branch "${nameOf(n)}"]\n\tremote = .\n\tmerge = refs/up/${nameOf(n)}\n`,
  );
  writeFileSync(
    join(dir, "config"),
    `[core]\n\trepositoryformatversion = 0\n\tbare = true\n${branches.join("")}`,
  );
  const heads = pairs.map(([, descendant], n) => `${descendant} refs/heads/${nameOf(n)}\n`);
  const upstreams = pairs.map(([ancestor], n) => `${ancestor} refs/up/${nameOf(n)}\n`);
  writeFileSync(join(dir, "packed-refs"), `# pack-refs with: sorted \n${[...heads, ...upstreams].join("")}`);
  const shallow = join(gitDir, "shallow");
  if (existsSync(shallow)) copyFileSync(shallow, join(dir, "shallow"));
  return dir;
}

/** git prints no relation where an object is missing, or is not a commit. */
function readAnswers(stdout: string, pairs: Pair[]): Relation[] {
  const relations = new Map<string, Relation>();
  for (const line of stdout.split("\n")) {
    const [ref = "", relation] = line.split(" ");
    if (relation) relations.set(ref, relation as Relation);
  }
  return pairs.map((_, n) => relations.get(`refs/heads/${nameOf(n)}`) ?? null);
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
