import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { git, type Upstream } from "./upstream.js";

/** One way to bring a tree from one commit to the next, and to give it its public name. */
export interface TreeWay {
  name: string;
  publish(from: string, to: string): unknown;
  /** Trees that are no longer in use are not counted. */
  tidy?(): void;
}

const LINK = "current";

/**
 * Makes the ways: what Lockstep does, what it could do, and what people do by hand. The others are compared
 * with the last one.
 */
export async function treeWays(dir: string, upstream: Upstream): Promise<TreeWay[]> {
  const [first = ""] = upstream.commits;
  return [
    await lockstepsPool(join(dir, "pool"), upstream, first),
    readTreePool(join(dir, "read-tree"), upstream, first),
    hardLinks(join(dir, "links"), upstream, first),
    worktrees(join(dir, "worktrees"), upstream, first),
    oneTree(join(dir, "one"), upstream, first),
  ];
}

const relink = (dir: string, target: string): void => {
  execFileSync("ln", ["-sfn", target, join(dir, `${LINK}.new`)]);
  execFileSync("mv", ["-T", join(dir, `${LINK}.new`), join(dir, LINK)]);
};

/** cp -al <old> <new>; git read-tree -m -u <from> <to>, which unlinks what it writes; mv -T of the link */
function hardLinks(dir: string, upstream: Upstream, first: string): TreeWay {
  let n = 0;
  const env = (tree: number) => ({
    GIT_DIR: upstream.dir,
    GIT_WORK_TREE: join(dir, `${tree}`),
    GIT_INDEX_FILE: join(dir, `${tree}.index`),
  });
  mkdirSync(join(dir, "0"), { recursive: true });
  git(dir, env(0), ["read-tree", "-m", "-u", first]);
  relink(dir, "0");
  return {
    name: "hard links, then read-tree",
    publish(from, to) {
      execFileSync("cp", ["-al", join(dir, `${n}`), join(dir, `${n + 1}`)]);
      cpSync(join(dir, `${n}.index`), join(dir, `${n + 1}.index`));
      n += 1;
      // The files have another ctime now: without a refresh git would read every one of them.
      git(dir, env(n), ["update-index", "--refresh", "-q"]);
      git(dir, env(n), ["read-tree", "-m", "-u", from, to]);
      relink(dir, `${n}`);
    },
    tidy: () => rmSync(join(dir, `${n - 1}`), { recursive: true, force: true }),
  };
}

/** git worktree add --detach <new> <to>; mv -T of the link */
function worktrees(dir: string, upstream: Upstream, first: string): TreeWay {
  mkdirSync(dir, { recursive: true });
  let n = 0;
  const add = (to: string) =>
    git(dir, { GIT_DIR: upstream.dir }, ["worktree", "add", "--quiet", "--detach", join(dir, `${n}`), to]);
  add(first);
  relink(dir, "0");
  return {
    name: "fresh git worktree add",
    publish(_from, to) {
      n += 1;
      add(to);
      relink(dir, `${n}`);
    },
    tidy: () =>
      void git(dir, { GIT_DIR: upstream.dir }, ["worktree", "remove", "--force", join(dir, `${n - 1}`)]),
  };
}

/** git checkout --detach <to>, in the tree that readers see: they see a mixture meanwhile */
function oneTree(dir: string, upstream: Upstream, first: string): TreeWay {
  git(upstream.dir, {}, ["clone", "--quiet", "--shared", "--no-checkout", upstream.dir, dir]);
  git(dir, {}, ["checkout", "--quiet", "--detach", first]);
  return {
    name: "git checkout in one tree",
    publish: (_from, to) => void git(dir, {}, ["checkout", "--quiet", "--detach", to]),
  };
}

interface Place {
  base: string;
  n: number;
  mirror: string;
  paths: string[];
}

/**
 * Runs src/git/tree/trees.ts itself, verification included, on two trees in turn: each is two commits behind.
 */
async function lockstepsPool(dir: string, { dir: mirror }: Upstream, first: string): Promise<TreeWay> {
  const load = (file: string) => import(pathToFileURL(join(process.cwd(), "lib", file)).href);
  const { createGit } = await load("git/run/exec.js");
  const { createProcesses } = await load("machine/processes.js");
  const { createTrees } = await load("git/tree/trees.js");
  const processes = createProcesses(join(dir, "run"));
  const run = createGit({ binary: "git", path: process.env.PATH, processes });
  const trees = createTrees({ git: run, timeoutMs: 600_000 });
  const place = (n: number): Place => ({ base: dir, n, mirror, paths: [] });
  const at = [first, first];
  for (const n of [0, 1]) await trees.build(place(n), first);
  relink(dir, "0");
  let n = 0;
  return {
    name: "Lockstep: pool, restore of what differs, verified",
    async publish(_from, to) {
      n = 1 - n;
      if ((await trees.update(place(n), at[n], to)) === null) throw new Error("it was not updated in place");
      at[n] = to;
      relink(dir, `${n}`);
    },
  };
}

/** git read-tree -m -u <from> <to> on two trees in turn, with an index of version 4 each */
function readTreePool(dir: string, { dir: mirror }: Upstream, first: string): TreeWay {
  const env = (tree: number) => ({
    GIT_DIR: mirror,
    GIT_WORK_TREE: join(dir, `${tree}`),
    GIT_INDEX_FILE: join(dir, `${tree}.index`),
  });
  const readTree = ["-c", "index.version=4", "read-tree", "-m", "-u"];
  for (const tree of [0, 1]) {
    mkdirSync(join(dir, `${tree}`), { recursive: true });
    git(dir, env(tree), [...readTree, first]);
  }
  relink(dir, "0");
  const at = [first, first];
  let n = 0;
  return {
    name: "pool, read-tree -m -u",
    publish(_from, to) {
      n = 1 - n;
      git(dir, env(n), [...readTree, at[n]!, to]);
      at[n] = to;
      relink(dir, `${n}`);
    },
  };
}
