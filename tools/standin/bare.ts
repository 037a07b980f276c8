import { copyFile, link, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
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
  packs: string[];
  packedRefs: string;
}

/** As `git init --bare`, without a process. */
export async function initBare(repo: Place): Promise<void> {
  for (const dir of ["objects/info", "objects/pack", "refs/heads", "refs/tags"])
    await mkdir(join(repo.dir, dir), { recursive: true });
  await writeSettings(repo);
}

async function writeSettings(repo: Place): Promise<void> {
  await writeFile(join(repo.dir, "config"), `${CONFIG}\n`);
  await writeFile(join(repo.dir, "HEAD"), `ref: refs/heads/${repo.defaultBranch}\n`);
}

/** A repository with one commit, packed: the fewest files that a copy needs. */
export async function sow(git: Git, dir: string): Promise<Seed> {
  const repo = { dir, defaultBranch: "main", owner: "seed", name: "seed" };
  await initBare(repo);
  await seedHistory(git, repo, 0);
  await git.run(dir, ["repack", "-adq"]);
  await git.run(dir, ["pack-refs", "--all"]);
  const packs = await readdir(join(dir, "objects/pack"));
  return { dir, packs, packedRefs: await readFile(join(dir, "packed-refs"), "utf8") };
}

/** A copy of the seed whose objects are hard links. */
export async function plant(seed: Seed, repo: Place): Promise<void> {
  await mkdir(join(repo.dir, "objects/pack"), { recursive: true });
  await mkdir(join(repo.dir, "refs"));
  await writeSettings(repo);
  await writeFile(join(repo.dir, "packed-refs"), seed.packedRefs);
  for (const name of seed.packs)
    await linkOrCopy(join(seed.dir, "objects/pack", name), join(repo.dir, "objects/pack", name));
}

/** File systems bound the links of one file (ext4: 65,000) or know none. */
const linkOrCopy = (from: string, to: string): Promise<void> =>
  link(from, to).catch(() => copyFile(from, to));
