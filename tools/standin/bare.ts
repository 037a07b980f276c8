import { copyFileSync, linkSync, mkdirSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.js";
import { seedHistory } from "./seed.js";
import type { Repo } from "./types.js";

const CONFIG = [
  "[core]\n\tbare = true\n\trepositoryformatversion = 0",
  "[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true",
  "[gc]\n\tauto = 0",
  "[receive]\n\tautogc = false",
].join("\n");

type Place = Pick<Repo, "dir" | "defaultBranch">;

/** What every repository made in bulk has in common. */
export interface Seed {
  dir: string;
  files: string[];
}

/** As `git init --bare`, without a process. */
export async function initBare(repo: Place): Promise<void> {
  for (const dir of ["objects/info", "objects/pack", "refs/heads", "refs/tags"])
    await mkdir(join(repo.dir, dir), { recursive: true });
  await writeFile(join(repo.dir, "config"), `${CONFIG}\n`);
  await writeFile(join(repo.dir, "HEAD"), `ref: refs/heads/${repo.defaultBranch}\n`);
}

/** A repository with one commit, packed: the fewest files that a copy needs. */
export async function sow(git: Git, dir: string): Promise<Seed> {
  const repo = { dir, defaultBranch: "main", owner: "seed", name: "seed" };
  await initBare(repo);
  await seedHistory(git, repo, 0);
  await git.run(dir, ["-c", "repack.writeBitmaps=false", "repack", "-adqn"]);
  await git.run(dir, ["pack-refs", "--all"]);
  const packs = await readdir(join(dir, "objects/pack"));
  return { dir, files: ["config", "HEAD", "packed-refs", ...packs.map((name) => `objects/pack/${name}`)] };
}

/**
 * A copy of the seed by hard links: git never writes into a file but replaces it (lock and rename).
 * Synchronous, which is half the time for ten thousand.
 */
export function plant(seed: Seed, { dir }: Place): void {
  mkdirSync(dir);
  mkdirSync(join(dir, "objects"));
  mkdirSync(join(dir, "objects/pack"));
  mkdirSync(join(dir, "refs"));
  for (const file of seed.files) linkOrCopy(join(seed.dir, file), join(dir, file));
}

/** File systems bound the links of one file (ext4: 65,000) or know none. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
