import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hermeticEnv } from "../../../tools/standin/git.js";
import type { Repo } from "../../../tools/standin/index.js";
import { type Checked, faultsOf, refFaults, rememberTips } from "../../../tools/torture/check.js";
import { pidsIn } from "../../../tools/torture/processes.js";
import { tempDir } from "../../support/temp.js";

function git(dir: string, ...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  return execFileSync("git", ["-C", dir, ...identity, ...args], {
    env: hermeticEnv(),
    encoding: "utf8",
  }).trim();
}

/** Starts a process that does nothing but exist. */
async function idle(cwd: string, script = "read x"): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", script], { cwd, stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

/** GitHub's repository, its mirror, its tree, and the answers of a Lockstep with which all is well. */
async function wellWorld() {
  const dataDir = tempDir();
  const upstream = tempDir();
  git(upstream, "init", "-q", "-b", "main");
  writeFileSync(join(upstream, "a.txt"), "a\n");
  git(upstream, "add", ".");
  git(upstream, "commit", "-qm", "one");
  git(upstream, "branch", "next");
  const mirror = join(dataDir, "mirrors", "acme", "site.git");
  mkdirSync(dirname(mirror), { recursive: true });
  git(upstream, "clone", "-q", "--mirror", upstream, mirror);
  const tree = join(dataDir, "repos", "7", "trees", "1");
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(tree, "a.txt"), "a\n");
  mkdirSync(join(dataDir, "checkouts", "acme"), { recursive: true });
  symlinkSync(tree, join(dataDir, "checkouts", "acme", "site"));
  const repo = {
    id: 7,
    dir: join(upstream, ".git"),
    owner: "acme",
    name: "site",
    defaultBranch: "main",
  } as Repo;
  const answers = {
    deliveries: [{ id: "d1", outcome: "refreshed" }],
    queue: { depth: 0 },
    repositories: { fresh: 1, behind: 0 } as Record<string, number>,
  };
  const lockstep = { pid: (await idle(upstream)).pid! };
  const world = {
    standin: { tips: async () => tipsOf(upstream) },
    repos: [repo],
    dataDir,
    acknowledged: new Set(["d1"]),
    proven: new Map<number, ReadonlySet<string>>(),
    lockstep,
    gits: () => pidsIn(dataDir, { except: lockstep.pid }),
    api: async <T>(path: string) =>
      (path.includes("deliveries") ? { deliveries: answers.deliveries, next: null } : answers) as T,
  } satisfies Checked;
  await rememberTips(world);
  return { world, upstream, mirror, tree, answers };
}

function tipsOf(dir: string): Map<string, string> {
  const lines = git(dir, "for-each-ref", "--format=%(objectname) %(refname)").split("\n");
  return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
}

type Well = Awaited<ReturnType<typeof wellWorld>>;

test("nothing is reported when all is well", async () => {
  const { world } = await wellWorld();
  expect(await faultsOf(world)).toEqual([]);
});

const FAULTS: [string, (well: Well) => unknown, RegExp][] = [
  [
    "a ref too many",
    ({ mirror }) => git(mirror, "branch", "other"),
    /heads\/other: GitHub none, mirror [0-9a-f]/,
  ],
  ["a missing ref", ({ mirror }) => git(mirror, "branch", "-D", "next"), /heads\/next: .* mirror none/],
  ["a tag too many", ({ mirror }) => git(mirror, "tag", "v1", "main"), /tags\/v1: GitHub none/],
  [
    "a ref that is behind",
    ({ upstream }) => git(upstream, "commit", "--allow-empty", "-qm", "two"),
    /heads\/main: GitHub [0-9a-f]+, mirror [0-9a-f]/,
  ],
  ["no mirror", ({ mirror }) => rmSync(mirror, { recursive: true }), /the mirror cannot be read/],
  [
    "another HEAD",
    ({ mirror }) => git(mirror, "symbolic-ref", "HEAD", "refs/heads/next"),
    /HEAD is refs\/heads\/next/,
  ],
  ["an object that nothing points at and that is empty", ({ mirror }) => emptyObject(mirror), /fsck/],
  ["a file of the tree that differs", ({ tree }) => writeFileSync(join(tree, "a.txt"), "b"), /tree a\.txt/],
  ["a file of the tree too many", ({ tree }) => writeFileSync(join(tree, "x"), ""), /tree x: GitHub none/],
  ["a missing file of the tree", ({ tree }) => rmSync(join(tree, "a.txt")), /tree a\.txt: .* published none/],
  ["no tree", ({ world }) => rmSync(join(world.dataDir, "checkouts/acme/site")), /no tree is published/],
  ["a lock", ({ mirror }) => writeFileSync(join(mirror, "HEAD.lock"), ""), /left: .*HEAD\.lock/],
  [
    "a temporary object",
    ({ mirror }) => writeFileSync(join(mirror, "objects/tmp_obj_1"), ""),
    /left: .*tmp_obj/,
  ],
  ["trash", ({ world }) => mkdirSync(join(world.dataDir, "trash/1"), { recursive: true }), /left: trash\/1/],
  [
    "a record of a process",
    ({ world }) => {
      mkdirSync(join(world.dataDir, "run"));
      writeFileSync(join(world.dataDir, "run/1"), "");
    },
    /left: run\/1/,
  ],
  ["a process", ({ mirror }) => idle(mirror), /process \d+ runs in DATA_DIR: sh -c/],
  [
    "an open file",
    async ({ world, upstream, mirror }) => {
      const child = await idle(upstream, `exec 5< '${mirror}/HEAD'; echo > ready; read x`);
      await expect.poll(() => git(upstream, "status", "--short")).toMatch("ready");
      world.lockstep.pid = child.pid!;
    },
    /open: mirrors\/acme\/site\.git\/HEAD/,
  ],
  ["a lost delivery", ({ answers }) => answers.deliveries.pop(), /delivery d1, answered 202, is lost/],
  [
    "a delivery without a refresh",
    ({ answers }) => Object.assign(answers.deliveries[0]!, { outcome: "accepted" }),
    /delivery d1, answered 202, is accepted/,
  ],
  ["a request that waits", ({ answers }) => Object.assign(answers.queue, { depth: 2 }), /2 requests wait/],
  [
    "a repository that is behind",
    ({ answers }) => Object.assign(answers.repositories, { behind: 3 }),
    /3 repositories are behind/,
  ],
  ["a lost tip", loseTip, /[0-9a-f]{40}, which the mirror had, is reachable from nothing/],
  [
    "an API that fails",
    ({ world }) => Object.assign(world, { api: () => Promise.reject(new Error("500")) }),
    /the check failed: 500/,
  ],
];

test.for(FAULTS)("%s is reported", async ([, spoil, reported]) => {
  const well = await wellWorld();
  await spoil(well);
  expect((await faultsOf(well.world)).join("\n")).toMatch(reported);
});

/** GitHub's branch was forced, and the mirror followed without a ref for the old tip. */
function loseTip({ upstream, mirror }: Well): void {
  git(upstream, "commit", "--amend", "-qm", "rewritten");
  git(mirror, "fetch", "-q");
  git(mirror, "branch", "-D", "next");
  git(upstream, "branch", "-D", "next");
}

test("a tip that a ref of Lockstep's own keeps is not lost", async () => {
  const well = await wellWorld();
  git(well.mirror, "update-ref", "refs/lockstep/kept/1/heads/main", "main");
  loseTip(well);
  expect(await faultsOf(well.world)).toEqual([]);
});

test("refs are compared although another fault would be found later", async () => {
  const { world, mirror } = await wellWorld();
  writeFileSync(join(mirror, "HEAD.lock"), "");
  expect(await refFaults(world)).toEqual([]);
});

function emptyObject(mirror: string): void {
  writeFileSync(join(mirror, "description"), "an object of its own");
  const object = git(mirror, "hash-object", "-w", join(mirror, "description"));
  const file = join(mirror, "objects", object.slice(0, 2), object.slice(2));
  execFileSync("chmod", ["u+w", file]);
  truncateSync(file, 0);
}
