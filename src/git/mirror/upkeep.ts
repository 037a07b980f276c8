import { readdirSync } from "node:fs";
import { join } from "node:path";
import { syncPath } from "../../machine/durable.js";
import { extentOf, type Layout } from "../disk/layout.js";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import { checkConnectivity, type Verdict } from "./connectivity.js";
import { repackPresent } from "./repack.js";

export type { Verdict } from "./connectivity.js";

/** Upkeep keeps a mirror quick, small and sound. Every task can be interrupted at any time. */
export interface Upkeep {
  /** Packs objects and refs. Nothing is dropped, so the task runs beside refreshes. */
  tidy(id: number, signal: AbortSignal): Promise<void>;
  /** Whether one of these objects is no longer reachable from any ref. */
  isLost(id: number, objects: string[], signal: AbortSignal): Promise<boolean>;
  /**
   * Drops objects that no ref has reached and no process has written for `graceMs`. The task must be the
   * mirror's only writer: a restored branch's objects may be unreachable until its ref is written.
   * @returns whether younger unreachable objects are left for another time.
   */
  prune(id: number, graceMs: number, signal: AbortSignal): Promise<boolean>;
  /**
   * Packs everything that refs reach into one pack, with a bitmap by which a clone of it is counted at once. Nothing is
   * dropped, so the task runs beside refreshes. A partial or shallow mirror, which serves nobody, stays as it is.
   */
  writeBitmap(id: number, signal: AbortSignal): Promise<void>;
  /**
   * Whether every object that the refs reach exists, or in a partial mirror every commit and tree. @throws
   * when the answer is unknown
   */
  check(id: number, signal: AbortSignal): Promise<Verdict>;
}

interface Options {
  git: RunGit;
  layout: Layout;
  timeoutMs: number;
}

/** One processor is left to the refreshes; bitmaps cost the most, and help clones over HTTPS alone. */
const CONFIG = { "pack.threads": "1", "repack.writeBitmaps": "false" };

export function createUpkeep(options: Options): Upkeep {
  return {
    tidy: (id, signal) => tidyMirror(workOn(options, id, signal)),
    isLost: (id, objects, signal) => isLost(workOn(options, id, signal), objects),
    prune: (id, graceMs, signal) => pruneMirror(workOn(options, id, signal), graceMs),
    writeBitmap: (id, signal) => writeBitmap(workOn(options, id, signal)),
    check(id, signal) {
      const { mirror, run } = workOn(options, id, signal);
      return checkConnectivity(mirror, run, filterOf(mirror));
    },
  };
}

/** One mirror, and how git runs in it. */
interface Work {
  mirror: string;
  run(args: string[], more?: Partial<GitCall>): Promise<GitResult>;
}

function workOn({ git, layout, timeoutMs }: Options, id: number, signal: AbortSignal): Work {
  const mirror = layout.mirror(id);
  return {
    mirror,
    run: (args, more = {}) =>
      git({ gitDir: mirror, args, config: CONFIG, timeoutMs, signal, urgency: "background", ...more }),
  };
}

async function writeBitmap({ mirror, run }: Work): Promise<void> {
  const { filter, depth } = extentOf(mirror);
  if (filter !== null || depth !== null) return;
  await run(["repack", "-a", "-d", "--cruft", "--cruft-expiration=never", "--write-bitmap-index", "--quiet"]);
}

const packs = (mirror: string): string[] => readdirSync(join(mirror, "objects/pack"));

/** Returns what need not exist, as an option of git rev-list. */
function filterOf(mirror: string): string[] {
  const { filter } = extentOf(mirror);
  return filter === null ? [] : [`--filter=${filter}`];
}

async function tidyMirror(work: Work): Promise<void> {
  // Loose objects and small packs, reachable or not, go into a pack of their own, so that each pack has twice
  // the objects of the next; large packs are skipped. https://git-scm.com/docs/git-repack
  await work.run(["repack", "--geometric=2", "-d", "--quiet"]);
  await writeGraph(work, "--split");
  // The new file must have its name on disk before the loose refs go.
  await work.run(["pack-refs", "--all", "--no-prune"]);
  await syncPath(work.mirror);
  await work.run(["pack-refs", "--all"]);
}

async function isLost({ mirror, run }: Work, objects: string[]): Promise<boolean> {
  if (objects.length === 0) return false;
  // An object that is already missing cannot be lost again.
  const args = [
    "rev-list",
    "--objects",
    ...filterOf(mirror),
    "--ignore-missing",
    "--max-count=1",
    "--stdin",
    "--not",
    "--all",
  ];
  const { stdout } = await run(args, { input: `${objects.join("\n")}\n` });
  return stdout.trim() !== "";
}

async function pruneMirror(work: Work, graceMs: number): Promise<boolean> {
  const expiry = `${Math.ceil(graceMs / 1000)}.seconds.ago`;
  // The graph is written first: a commit in the graph counts as existing, so the graph must not outlive its
  // objects.
  await writeGraph(work, "--split=replace");
  await repack(work, expiry);
  await work.run(["prune", `--expire=${expiry}`, "--no-progress"]);
  return packs(work.mirror).some((name) => name.endsWith(".mtimes"));
}

/**
 * Writes the commit graph. For a shallow mirror git writes no graph, and a graph from before the mirror was
 * shallow would stay.
 */
async function writeGraph({ mirror, run }: Work, how: string): Promise<void> {
  if (extentOf(mirror).depth === null)
    await run(["commit-graph", "write", "--reachable", how, "--no-progress"]);
}

async function repack({ mirror, run }: Work, expiry: string): Promise<void> {
  if (filterOf(mirror).length > 0) return repackPresent(run, mirror, expiry);
  // Unreachable objects go to a pack with the age of each: https://git-scm.com/docs/cruft-packs
  // A mirror that is cloned often keeps its bitmap.
  const bitmap = packs(mirror).some((name) => name.endsWith(".bitmap")) ? ["--write-bitmap-index"] : [];
  await run(["repack", "-a", "-d", "--cruft", `--cruft-expiration=${expiry}`, ...bitmap, "--quiet"]);
}
