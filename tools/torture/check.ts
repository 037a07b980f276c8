import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { mirrorTips } from "../demo/compare.js";
import { mirrorPath } from "../mirror.js";
import { hermeticEnv } from "../standin/git.js";
import type { Repo, StandIn } from "../standin/index.js";
import { leftoversOf, type Place } from "./leftovers.js";

const exec = promisify(execFile);
/** One page of the log of deliveries. */
const PAGE = 1_000;

/** What the checks need of a world. */
export interface Checked extends Place {
  standin: Pick<StandIn, "tips">;
  repos: Repo[];
  /** The ids of the deliveries that were answered with 202. */
  acknowledged: ReadonlySet<string>;
  /** The branch tips that a mirror was proven to have, by repository. */
  proven: ReadonlyMap<number, ReadonlySet<string>>;
  api<T>(path: string): Promise<T>;
}

export const mirrorOf = ({ dataDir }: Pick<Checked, "dataDir">, { owner, name }: Repo): string =>
  mirrorPath(dataDir, owner, name);

/** Runs git without anybody's configuration. @returns its output */
async function git(dir: string, ...args: string[]): Promise<string> {
  const options = { env: hermeticEnv(), maxBuffer: 1 << 28 };
  return (await exec("git", ["--git-dir", dir, ...args], options)).stdout;
}

/** Lists the refs in which a mirror differs from GitHub. */
export async function refFaults(world: Checked): Promise<string[]> {
  const found = await Promise.all(world.repos.map((repo) => refFaultsOf(world, repo)));
  return found.flat();
}

async function refFaultsOf(world: Checked, repo: Repo): Promise<string[]> {
  const name = `${repo.owner}/${repo.name}`;
  const upstream = await world.standin.tips(repo, "refs/heads", "refs/tags");
  try {
    const mirror = await mirrorTips(mirrorOf(world, repo));
    const refs = new Set([...upstream.keys(), ...mirror.keys()]);
    return [...refs]
      .filter((ref) => upstream.get(ref) !== mirror.get(ref))
      .map(
        (ref) => `${name} ${ref}: GitHub ${upstream.get(ref) ?? "none"}, mirror ${mirror.get(ref) ?? "none"}`,
      );
  } catch (error) {
    return [`${name}: the mirror cannot be read: ${(error as Error).message}`];
  }
}

/** Lists everything that is not as it must be when a fault is over; empty when all is well. */
export async function faultsOf(world: Checked): Promise<string[]> {
  try {
    const refs = await refFaults(world);
    if (refs.length > 0) return refs;
    const inside = await Promise.all(world.repos.map((repo) => mirrorFaults(world, repo)));
    return [
      ...inside.flat(),
      ...(await treeFaults(world)),
      ...(await deliveryFaults(world)),
      ...(await restFaults(world)),
      ...leftoversOf(world),
    ];
  } catch (error) {
    return [`the check failed: ${(error as Error).message}`];
  }
}

/** What git and the history guard promise of one mirror. */
async function mirrorFaults(world: Checked, repo: Repo): Promise<string[]> {
  const name = `${repo.owner}/${repo.name}`;
  const dir = mirrorOf(world, repo);
  const faults: string[] = [];
  const head = (await git(dir, "symbolic-ref", "HEAD")).trim();
  if (head !== `refs/heads/${repo.defaultBranch}`) faults.push(`${name}: HEAD is ${head}`);
  // git fsck --full --strict --no-dangling
  await git(dir, "fsck", "--full", "--strict", "--no-dangling", "--no-progress").catch((error: Error) =>
    faults.push(`${name}: fsck: ${error.message}`),
  );
  const there = new Set((await git(dir, "rev-list", "--all")).split("\n"));
  for (const tip of world.proven.get(repo.id) ?? [])
    if (!there.has(tip)) faults.push(`${name}: ${tip}, which the mirror had, is reachable from nothing`);
  return faults;
}

/** Remembers what the mirrors have now: HISTORY=keep promises that it stays. */
export async function rememberTips({ standin, repos, proven }: Remembered): Promise<void> {
  for (const repo of repos) {
    const tips = await standin.tips(repo, "refs/heads");
    proven.set(repo.id, new Set([...(proven.get(repo.id) ?? []), ...tips.values()]));
  }
}

interface Remembered extends Pick<Checked, "standin" | "repos"> {
  proven: Map<number, ReadonlySet<string>>;
}

/** Compares the published tree, file by file, with the commit at GitHub. */
async function treeFaults(world: Checked): Promise<string[]> {
  const [site] = world.repos;
  const link = join(world.dataDir, "checkouts", site!.owner, site!.name);
  if (!existsSync(link)) return [`no tree is published at ${link}`];
  const lines = (await git(site!.dir, "ls-tree", "-r", "-z", site!.defaultBranch))
    .split("\0")
    .filter(Boolean);
  const wanted = new Map(lines.map((line) => [line.slice(line.indexOf("\t") + 1), line.split(/[ \t]/)[2]]));
  const found = blobsBelow(realpathSync(link));
  const paths = new Set([...wanted.keys(), ...found.keys()]);
  return [...paths]
    .filter((path) => wanted.get(path) !== found.get(path))
    .map(
      (path) => `tree ${path}: GitHub ${wanted.get(path) ?? "none"}, published ${found.get(path) ?? "none"}`,
    );
}

/** Returns the object name of each file by its path. */
function blobsBelow(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const stat = lstatSync(join(dir, path));
    if (stat.isDirectory()) continue;
    const content = stat.isSymbolicLink()
      ? Buffer.from(readlinkSync(join(dir, path)))
      : readFileSync(join(dir, path));
    found.set(path, createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex"));
  }
  return found;
}

interface Deliveries {
  deliveries: { id: string; outcome: string }[];
  next: string | null;
}

/** Every delivery that was answered 202 is in the log of deliveries, and a refresh covered it. */
async function deliveryFaults(world: Checked): Promise<string[]> {
  const outcomes = new Map<string, string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const at: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Deliveries = await world.api(`/api/v1/deliveries?limit=${PAGE}${at}`);
    for (const { id, outcome } of page.deliveries) outcomes.set(id, outcome);
    cursor = page.next;
  }
  return [...world.acknowledged].flatMap((id) => {
    const outcome = outcomes.get(id);
    return outcome === "refreshed" ? [] : [`delivery ${id}, answered 202, is ${outcome ?? "lost"}`];
  });
}

interface Status {
  queue: { depth: number };
  repositories: Record<string, number>;
}

/** Nothing waits, and every repository is fresh. */
async function restFaults(world: Checked): Promise<string[]> {
  const { queue, repositories } = await world.api<Status>("/api/v1/status");
  const faults = queue.depth === 0 ? [] : [`${queue.depth} requests wait in the queue`];
  const others = Object.entries(repositories).filter(([state, count]) => state !== "fresh" && count > 0);
  for (const [state, count] of others) faults.push(`${count} repositories are ${state}`);
  return faults;
}
