import { monotonicMs } from "../../base/clock.js";
import type { StreamGit } from "../../git/run/stream.js";
import { readLines } from "../lines.js";
import type { Shown } from "../shown.js";
import type { Served } from "../upload-pack.js";
import { createIdSet, type IdSet } from "./id-set.js";

const TIMEOUT_MS = 60_000;
/** A checkout that fetches its files one by one has so long, after its commit was served. */
const SERVED_MS = 10 * 60_000;
const MAX_SERVED = 64;
const MAX_BRANCHES = 16;
/** The memory that all sets have together, in bytes. */
const MAX_KEPT = 64 * 2 ** 20;
/** The objects of a tree that are looked at: some 120 MiB. */
const MAX_OBJECTS = 2_000_000;

/** Knows which trees and blobs belong to commits that a reader may have. */
export interface Trees {
  /** Notes that these commits are being served from a repository. */
  noteServed(repositoryId: number, commits: readonly string[]): void;
  /** @returns those of the objects that are in no tree of a branch's tip or of a commit served just before */
  findForeign(served: Served & { id: number }, shown: Shown, objects: readonly string[]): Promise<string[]>;
}

/** Lazy fetches of sparse and partial clones ask for trees and blobs by their names: gitprotocol-v2(5). */
export function createTrees(streamGit: StreamGit, clock: () => number = monotonicMs): Trees {
  const served = new Map<number, Map<string, number>>();
  const kept = new Map<string, IdSet>();

  async function objectsOf({ dir }: Served, commit: string): Promise<IdSet> {
    const found = kept.get(commit);
    kept.delete(commit);
    const objects = found ?? (await readObjects(streamGit, dir, commit));
    kept.set(commit, objects);
    dropOldest(kept);
    return objects;
  }

  return {
    noteServed(repositoryId, commits) {
      const times = served.get(repositoryId) ?? new Map<string, number>();
      for (const commit of commits.slice(-MAX_SERVED)) {
        times.delete(commit);
        times.set(commit, clock());
      }
      forgetOld(times, clock() - SERVED_MS);
      served.set(repositoryId, times);
    },
    async findForeign(mirror, shown, objects) {
      const times = served.get(mirror.id) ?? new Map<string, number>();
      forgetOld(times, clock() - SERVED_MS);
      let left = [...objects];
      for (const commit of new Set([...[...times.keys()].reverse(), ...branchTips(shown)])) {
        if (left.length === 0) break;
        const known = await objectsOf(mirror, commit);
        left = left.filter((id) => !known.has(id));
      }
      return left;
    },
  };
}

function forgetOld(times: Map<string, number>, before: number): void {
  for (const [commit, at] of times) if (at < before || times.size > MAX_SERVED) times.delete(commit);
}

/** @returns the commit of HEAD, and of the first branches */
function branchTips({ refs }: Shown): string[] {
  const head = refs.get("HEAD");
  const tips = head === undefined ? [] : [head];
  for (const [name, id] of refs) {
    if (tips.length >= MAX_BRANCHES) break;
    if (name.startsWith("refs/heads/")) tips.push(id);
  }
  return tips;
}

function dropOldest(kept: Map<string, IdSet>): void {
  let bytes = 0;
  for (const objects of kept.values()) bytes += objects.bytes;
  for (const [commit, objects] of kept) {
    if (bytes <= MAX_KEPT) return;
    kept.delete(commit);
    bytes -= objects.bytes;
  }
}

async function readObjects(streamGit: StreamGit, dir: string, commit: string): Promise<IdSet> {
  const objects = createIdSet();
  // git rev-list --objects --no-object-names --no-walk <commit> prints the commit, its trees and its blobs
  const { stdout, done } = streamGit({
    args: ["rev-list", "--objects", "--no-object-names", "--no-walk", commit],
    gitDir: dir,
    timeoutMs: TIMEOUT_MS,
  });
  done.catch(() => {}); // The stream has the same error.
  let count = 0;
  await readLines(stdout, (line) => {
    if (count++ < MAX_OBJECTS) objects.add(line);
  });
  await done;
  return objects;
}
