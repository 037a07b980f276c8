import { readdirSync } from "node:fs";
import { join } from "node:path";
import { extentOf, type Layout } from "../disk/layout.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { checkConnectivity, type Verdict } from "./connectivity.js";
import { repackPresent } from "./repack.js";

export type { Verdict } from "./connectivity.js";

/** What keeps a mirror quick, small and sound. Every one of them can be cut off at any time. */
export interface Upkeep {
  /** Packs objects and refs. Nothing is dropped: it runs beside refreshes. */
  tidy(id: number, signal: AbortSignal): Promise<void>;
  /** Whether an object of these is not reachable from any ref any more. */
  isLost(id: number, objects: string[], signal: AbortSignal): Promise<boolean>;
  /**
   * Drops what no ref has reached and nobody has written for `graceMs`. It must be the mirror's only
   * writer: a restored branch's objects may be unreachable until its ref is written.
   * @returns whether younger unreachable objects are left for another time.
   */
  prune(id: number, graceMs: number, signal: AbortSignal): Promise<boolean>;
  /** Whether every object that the refs reach is there, in a partial mirror every commit and tree. @throws when that could not be found out */
  check(id: number, signal: AbortSignal): Promise<Verdict>;
}

interface Options {
  git: RunGit;
  layout: Layout;
  timeoutMs: number;
}

/** One processor is left to the refreshes; bitmaps are for servers of clones and cost the most. */
const CONFIG = { "pack.threads": "1", "repack.writeBitmaps": "false" };

export function createUpkeep({ git, layout, timeoutMs }: Options): Upkeep {
  const within =
    (id: number, signal: AbortSignal) =>
    (args: string[], more: Partial<GitCall> = {}) =>
      git({ gitDir: layout.mirror(id), args, config: CONFIG, timeoutMs, signal, background: true, ...more });

  /** Of a shallow mirror git writes none, and one of the time when its history had no end yet would stay. */
  async function graph(id: number, run: ReturnType<typeof within>, how: string): Promise<void> {
    if (extentOf(layout.mirror(id)).depth === null)
      await run(["commit-graph", "write", "--reachable", how, "--no-progress"]);
  }

  /** What need not be there. */
  const without = (id: number): string[] => {
    const { filter } = extentOf(layout.mirror(id));
    return filter === null ? [] : [`--filter=${filter}`];
  };

  async function repack(id: number, run: ReturnType<typeof within>, expiry: string): Promise<void> {
    if (without(id).length > 0) return repackPresent(run, layout.mirror(id), expiry);
    // Unreachable objects go to a pack with the age of each: https://git-scm.com/docs/cruft-packs
    await run(["repack", "-a", "-d", "--cruft", `--cruft-expiration=${expiry}`, "--quiet"]);
  }

  return {
    async tidy(id, signal) {
      const run = within(id, signal);
      // Loose objects and small packs, reachable or not, into a pack of their own, so that each pack
      // has twice the objects of the next: large ones are left alone. https://git-scm.com/docs/git-repack
      await run(["repack", "--geometric=2", "-d", "--quiet"]);
      await graph(id, run, "--split");
      await run(["pack-refs", "--all"]);
    },
    async isLost(id, objects, signal) {
      if (objects.length === 0) return false;
      // An object that is gone already is not lost a second time.
      const args = [
        "rev-list",
        "--objects",
        ...without(id),
        "--ignore-missing",
        "--max-count=1",
        "--stdin",
        "--not",
        "--all",
      ];
      const { stdout } = await within(id, signal)(args, { input: `${objects.join("\n")}\n` });
      return stdout.trim() !== "";
    },
    async prune(id, graceMs, signal) {
      const run = within(id, signal);
      const expiry = `${Math.ceil(graceMs / 1000)}.seconds.ago`;
      // First the graph: a commit in it counts as there, so it may not outlive its object.
      await graph(id, run, "--split=replace");
      await repack(id, run, expiry);
      await run(["prune", `--expire=${expiry}`, "--no-progress"]);
      return readdirSync(join(layout.mirror(id), "objects/pack")).some((name) => name.endsWith(".mtimes"));
    },
    check: (id, signal) => checkConnectivity(layout.mirror(id), within(id, signal), without(id)),
  };
}
