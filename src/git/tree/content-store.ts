import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clearLeftovers } from "../disk/heal.js";
import { missingOf } from "../mirror/blobs.js";
import { FETCH_OPTIONS } from "../mirror/partial.js";
import { repackStore } from "../mirror/repack.js";
import type { GitCall, RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { readSubmodules, type Submodule } from "./gitmodules.js";
import { findPointers, type Scan } from "./lfs-pointers.js";
import { commitOf } from "./verbatim.js";

/** A tree or a file that takes the place of what a tree has at a path. */
export interface Graft {
  mode: "040000" | "100644" | "100755";
  /** As git prints it: quoted where it has to be. */
  path: string;
  sha: string;
}

/**
 * A bare repository beside a checkout's trees: what they hold and the mirror does not have. One tree of
 * git's is made of both, so that writing, verifying and repairing it is one and the same for every file.
 */
export interface ContentStore {
  readonly dir: string;
  submodules(commit: string): Promise<Submodule[]>;
  /** The tree of each commit. */
  treesOf(commits: string[]): Promise<string[]>;
  has(commit: string): boolean;
  /** Brings one commit without its history, from GitHub or from a repository of this machine. */
  fetch(commit: string, from: Lease | string): Promise<void>;
  /** @returns the tree with the grafts in it */
  graft(tree: string, grafts: Graft[]): Promise<string>;
  /** @returns what is to be written so that these files, quoted as git prints them, are not converted */
  exempt(tree: string, paths: string[]): Promise<string>;
  pointers(tree: string, paths: string[], known: Scan | null): Promise<Scan>;
  /** Takes files in, as they are. @returns the object of each */
  takeIn(files: string[]): Promise<string[]>;
  /** Those of the objects that are there. */
  present(objects: string[]): Promise<Set<string>>;
  /** This is what directory `n` holds. */
  hold(n: number, tree: string): void;
  /** Drops what is needed no more, once that is worth it, or at once. @returns whether it did */
  tidy(needed: { trees: number[]; commits: Set<string> }, atOnce: boolean): Promise<boolean>;
}

export const storeDir = (base: string): string => join(base, "content.git");

/** More files or packs than these, and the store is packed anew. */
const MAX_STRAY = 20;
const MAX_PACKS = 20;
/** In one of 256 directories. */
const MAX_LOOSE = 8;

/**
 * A submodule comes whole, whatever the mirror has of it: a shallow or partial one has commits without what they
 * lead to, and any one drops objects when it likes. git-config(1)
 */
const ALONE = {
  // Nothing is said of what the mirror has, nor taken for granted.
  "core.alternateRefsPrefixes": "refs/none/",
  // As a pack: a loose object is not written where the mirror has it.
  "fetch.unpackLimit": "1",
};

const COMMITTER = "committer Lockstep <lockstep@localhost> 0 +0000";

export interface StoreCall {
  base: string;
  mirror: string;
  timeoutMs: number;
  signal: AbortSignal;
}

export function openContentStore(git: RunGit, { base, mirror, ...limits }: StoreCall): ContentStore {
  const dir = storeDir(base);
  const from = { gitDir: dir, alternate: join(mirror, "objects"), ...limits };
  const run = (args: string[], more: Partial<GitCall> = {}) => git({ ...from, args, ...more });
  /** Files of LFS have nothing in common that a delta could save. */
  const packing: typeof run = (args, more) =>
    run(args, { ...more, config: { "core.bigFileThreshold": "1m" } });
  const refs = (kind: string) => join(dir, "refs", kind);
  prepare(dir);
  // One publish of a checkout at a time: no git runs there now, and what a killed one left is in the way.
  clearLeftovers(dir);

  async function fetch(commit: string, source: Lease | string): Promise<void> {
    const args = (url: string) => [
      "fetch",
      "--depth=1",
      ...FETCH_OPTIONS,
      url,
      `+${commit}:refs/modules/${commit}`,
    ];
    // git fetch --depth=1 <url or mirror> +<commit>:refs/modules/<commit>
    const local = { ...ALONE, "protocol.file.allow": "always" };
    if (typeof source === "string") await run(args(source), { config: local });
    else await askRemote(git, source, { ...from, args: args(source.url), config: ALONE });
  }

  async function graft(tree: string, grafts: Graft[]): Promise<string> {
    const lines = grafts.map(({ mode, sha, path }) => `M ${mode} ${sha} ${path}\n`);
    const head = `commit refs/content/new\n${COMMITTER}\ndata 0\nM 040000 ${tree} \n`;
    // git fast-import reads and writes the directories on the way to the grafts, and no other.
    const { stdout } = await run(["fast-import", "--quiet", "--force"], {
      input: `${head}${lines.join("")}ls ""\n`,
    });
    return /^040000 tree ([\da-f]+)/m.exec(stdout)![1]!;
  }

  async function exempt(tree: string, paths: string[]): Promise<string> {
    if (paths.length === 0) return tree;
    // git hash-object -t commit -w --stdin
    const args = ["hash-object", "-t", "commit", "-w", "--stdin"];
    return (await run(args, { input: commitOf(tree, paths) })).stdout.trim();
  }

  async function treesOf(commits: string[]): Promise<string[]> {
    if (commits.length === 0) return [];
    // git rev-parse <commit>^{tree} …
    const { stdout } = await run(["rev-parse", ...commits.map((commit) => `${commit}^{tree}`)]);
    return stdout.trim().split("\n");
  }

  async function tidy({ trees, commits }: { trees: number[]; commits: Set<string> }, atOnce: boolean) {
    const held = readdirSync(refs("content")).filter(
      (name) => name !== "new" && !trees.includes(Number(name)),
    );
    for (const name of held) rmSync(join(refs("content"), name));
    const stray = readdirSync(refs("modules")).filter((name) => !commits.has(name));
    const packs = entries(join(dir, "objects", "pack")).filter((name) => name.endsWith(".pack"));
    const loose = entries(join(dir, "objects", "17"));
    const isDue = stray.length > MAX_STRAY || packs.length > MAX_PACKS || loose.length > MAX_LOOSE;
    if (!isDue && !atOnce) return false;
    for (const name of stray) rmSync(join(refs("modules"), name));
    await repackStore(packing, dir, readdirSync(refs("modules")));
    return true;
  }

  async function takeIn(files: string[]): Promise<string[]> {
    // git hash-object -w --no-filters --stdin-paths; what LFS has is mostly compressed already
    const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
    const more = { input: `${files.join("\n")}\n`, config: { "core.compression": "0" } };
    return (await run(args, more)).stdout.trim().split("\n");
  }

  async function present(objects: string[]): Promise<Set<string>> {
    const missing = new Set(await missingOf(git, from, objects));
    return new Set(objects.filter((object) => !missing.has(object)));
  }

  return {
    takeIn,
    present,
    exempt,
    pointers: (tree, paths, known) => findPointers(git, from, tree, paths, known),
    dir,
    fetch,
    graft,
    treesOf,
    tidy,
    submodules: (commit) => readSubmodules(git, from, commit),
    has: (commit) => existsSync(join(refs("modules"), commit)),
    hold: (n, tree) => writeFileSync(join(refs("content"), String(n)), `${tree}\n`),
  };
}

function prepare(dir: string): void {
  for (const name of ["refs/content", "refs/modules", "objects/pack"])
    mkdirSync(join(dir, name), { recursive: true, mode: 0o750 });
  if (existsSync(join(dir, "HEAD"))) return;
  writeFileSync(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  writeFileSync(join(dir, "HEAD"), "ref: refs/heads/none\n");
}

const entries = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
