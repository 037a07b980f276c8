import { mkdirSync } from "node:fs";
import { asRefreshError, type ErrorCode, RefreshError } from "../../base/errors.js";
import { type RefChange, ZERO } from "../../base/model.js";
import { isInside, matchesPattern } from "../../base/patterns.js";
import { clearHalfWork, clearLeftovers } from "../disk/heal.js";
import { condemn, extentOf, finishSwap, isCondemned, ownership } from "../disk/layout.js";
import type { GitCall } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { isAncestor, mayBeAncestor } from "./ancestry.js";
import type { Judge } from "./carry.js";
import { cloneMirror, HIDE_OWN_REFS, type MirrorOptions, type RunContext } from "./clone.js";
import { applyChanges, KEEP_NOTHING, type Keep, type KeptTip, readKept } from "./kept.js";
import { asking, dropMarks, requireTrees } from "./partial.js";
import { readRefs, swapRefs } from "./refs.js";
import { openScratch } from "./scratch.js";
import { lendShallow, takeShallow } from "./shallow.js";

export { missingRefOf } from "../run/exec.js";
export type { RunContext } from "./clone.js";

/** The mirrors of this DATA_DIR. One writer at a time per repository is the caller's promise. */
export interface Mirrors {
  /** Heals what a killed git left, once per process. @returns false: there is nothing, clone it. @throws `foreign` */
  ensure(id: number): boolean;
  /** Whether it has as much as it is to have, and no more; else a clone gives it that. */
  fits(id: number): boolean;
  /** @returns what differs from the mirror that was there */
  clone(id: number, lease: Lease, defaultBranch: string, run: RunContext, judge: Judge): Promise<RefChange[]>;
  /** The ref's object, ZERO when there is none. Cached: only Lockstep writes refs, by compare and swap. */
  tip(id: number, ref: string): Promise<string>;
  tips(id: number, signal?: AbortSignal): Promise<Map<string, string>>;
  /** Refs outside its scope, Lockstep's own left out. */
  outside(id: number, signal?: AbortSignal): Promise<Map<string, string>>;
  /** What GitHub has inside the mirror's scope. */
  remoteTips(id: number, lease: Lease, run: RunContext): Promise<Map<string, string>>;
  /** Brings objects, by object name or by ref name. @returns the object of each, in the same order. */
  fetch(id: number, lease: Lease, wants: string[], bases: string[], run: RunContext): Promise<string[]>;
  /** @returns the tips that are kept by it */
  apply(id: number, changes: RefChange[], keep?: Keep): Promise<KeptTip[]>;
  /** Oldest first. */
  kept(id: number, signal?: AbortSignal): Promise<KeptTip[]>;
  dropKept(id: number, tips: KeptTip[]): Promise<void>;
  setHead(id: number, defaultBranch: string): Promise<void>;
  isAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /** In a shallow mirror also where its history ends before it can tell, and dates do not rule it out. */
  mayBeAncestor(id: number, ancestor: string, descendant: string): Promise<boolean>;
  /** Forgets what it knows of the mirror, and clears leftovers before the next use. */
  distrust(id: number): void;
  /** Whether `ensure` would neither clear anything nor ask for a clone. */
  trusts(id: number): boolean;
  /** It is proven corrupt: it serves until a clone takes its place, also after a restart. */
  condemn(id: number): void;
}

/** More refspecs than this go through stdin, not the command line. */
const MAX_ARGUMENTS = 50;
const LOCAL_TIMEOUT_MS = 120_000;
const CACHED_TIPS = 256;
/** After these git has not begun to take anything in. */
const IS_AN_ANSWER: ErrorCode[] = ["not_yet", "ref_missing"];

export function createMirrors(options: MirrorOptions): Mirrors {
  const { git, layout, scopeOf } = options;
  const known = new Map<number, Map<string, string>>();
  const heads = new Map<number, string>();
  const hidden = new Set<number>();

  const within = (id: number) => ({ gitDir: layout.mirror(id), timeoutMs: LOCAL_TIMEOUT_MS });

  const remote = (lease: Lease, call: GitCall) => askRemote(git, lease, call);

  function remember(id: number, changes: Iterable<readonly [string, string]>): void {
    const tips = known.get(id);
    if (!tips) return; // distrusted meanwhile
    for (const [ref, sha] of changes) tips.set(ref, sha);
    for (const ref of tips.keys()) {
      if (tips.size <= CACHED_TIPS) break;
      tips.delete(ref);
    }
  }

  /** Mirrors that an earlier Lockstep made do not hide them yet. */
  async function hideOwnRefs(id: number): Promise<void> {
    if (hidden.has(id)) return;
    // Other values of this setting are an operator's: they stay.
    const args = ["config", "--replace-all", ...HIDE_OWN_REFS, "^refs/lockstep$"];
    await git({ args, gitDir: layout.mirror(id), timeoutMs: LOCAL_TIMEOUT_MS });
    hidden.add(id);
  }

  async function refsOf(id: number, inside: boolean, signal?: AbortSignal): Promise<Map<string, string>> {
    const all = await readRefs(git, layout.mirror(id), [], signal);
    const isIn = isInside(scopeOf(id));
    return new Map([...all].filter(([ref]) => isIn(ref) === inside));
  }

  async function fetchInto(id: number, lease: Lease, wants: string[], bases: string[], run: RunContext) {
    const mirror = layout.mirror(id);
    const extent = extentOf(mirror);
    const scratch = openScratch(layout.repository(id), bases);
    lendShallow(mirror, scratch.dir);
    const specs = wants.map((want, index) => `+${want}:refs/x/${index}`);
    const byArgument = specs.length <= MAX_ARGUMENTS;
    const ask = asking(lease, extent);
    const call = {
      gitDir: scratch.dir,
      objectDir: `${mirror}/objects`,
      timeoutMs: options.fetchTimeoutMs,
      signal: run.signal,
    };
    // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git fetch <url> +<want>:refs/x/<n>
    try {
      await remote(lease, {
        ...call,
        config: ask.config,
        args: ["fetch", ...ask.options, ...(byArgument ? [ask.from, ...specs] : ["--stdin", ask.from])],
        ...(byArgument ? {} : { input: `${specs.join("\n")}\n` }),
      });
      if (extent.filter !== null) {
        dropMarks(mirror);
        await requireTrees(git, call, ["--glob=refs/x/*", "--not", "--glob=refs/base/*"]);
      }
      if (extent.depth !== null) takeShallow(scratch.dir, mirror);
      const fetched = scratch.fetched();
      return wants.map((want, index) => {
        const sha = fetched.get(index);
        if (!sha) throw new RefreshError("git", `git fetch brought nothing for ${want}`);
        return sha;
      });
    } catch (error) {
      // An answer that broke off leaves its part of a pack, to be cleared before the next use.
      if (!IS_AN_ANSWER.includes(asRefreshError(error).code)) known.delete(id);
      throw error;
    } finally {
      scratch.clear();
    }
  }

  return {
    ensure(id) {
      const mirror = layout.mirror(id);
      if (!known.has(id)) {
        finishSwap(mirror);
        clearHalfWork(layout.repository(id));
      }
      const owner = ownership(mirror, id);
      if (owner === "foreign") throw new RefreshError("foreign", `${mirror} is not a mirror of Lockstep's`);
      if (owner !== "ours") return false;
      if (!known.has(id)) {
        clearLeftovers(mirror);
        known.set(id, new Map());
      }
      return !isCondemned(mirror);
    },
    fits(id) {
      const { depth, filter } = extentOf(layout.mirror(id));
      const scope = scopeOf(id);
      return depth === scope.depth && filter === scope.filter;
    },
    async clone(id, lease, defaultBranch, run, judge) {
      mkdirSync(layout.repository(id), { recursive: true, mode: 0o750 });
      known.delete(id);
      const changes = await cloneMirror({ ...options, remote }, { id, lease, defaultBranch, run, judge });
      heads.set(id, defaultBranch);
      known.set(id, new Map());
      return changes;
    },
    async tip(id, ref) {
      const cached = known.get(id)?.get(ref);
      if (cached !== undefined) return cached;
      const sha = (await readRefs(git, layout.mirror(id), [ref])).get(ref) ?? ZERO;
      remember(id, [[ref, sha]]);
      return sha;
    },
    tips: (id, signal) => refsOf(id, true, signal),
    outside: (id, signal) => refsOf(id, false, signal),
    async remoteTips(id, lease, run) {
      const { refspecs } = scopeOf(id);
      const { stdout } = await remote(lease, {
        args: ["ls-remote", "--refs", ...refKinds(refspecs), lease.url, ...exactRefs(refspecs)],
        gitDir: null,
        timeoutMs: options.fetchTimeoutMs,
        signal: run.signal,
      });
      return parseRemoteTips(stdout, refspecs);
    },
    fetch: fetchInto,
    async apply(id, changes, keep = KEEP_NOTHING) {
      try {
        if (keep.refs.size > 0) await hideOwnRefs(id);
        const kept = await applyChanges(git, layout.mirror(id), changes, keep);
        remember(
          id,
          changes.map(({ ref, after }) => [ref, after] as const),
        );
        return kept;
      } catch (error) {
        known.get(id)?.clear();
        throw error;
      }
    },
    kept: (id, signal) => readKept(git, layout.mirror(id), signal),
    dropKept: (id, tips) =>
      swapRefs(
        git,
        layout.mirror(id),
        tips.map(({ name, sha }) => ({ ref: name, before: sha, after: ZERO })),
      ),
    async setHead(id, defaultBranch) {
      if (heads.get(id) === defaultBranch) return;
      // git symbolic-ref HEAD refs/heads/<default branch>
      await git({
        args: ["symbolic-ref", "HEAD", `refs/heads/${defaultBranch}`],
        gitDir: layout.mirror(id),
        timeoutMs: LOCAL_TIMEOUT_MS,
      });
      heads.set(id, defaultBranch);
    },
    isAncestor: (id, ...commits) => isAncestor(git, within(id), ...commits),
    mayBeAncestor: (id, ...commits) =>
      (extentOf(layout.mirror(id)).depth === null ? isAncestor : mayBeAncestor)(git, within(id), ...commits),
    distrust(id) {
      known.delete(id);
      heads.delete(id);
      hidden.delete(id);
    },
    trusts: (id) => known.has(id) && !isCondemned(layout.mirror(id)),
    condemn: (id) => condemn(layout.mirror(id)),
  };
}

/** With heads and tags alone the server need not send the rest, such as refs/pull. */
function refKinds(refspecs: readonly string[]): string[] {
  const kinds = refspecs.map((pattern) => /^refs\/(heads|tags)\//.exec(pattern)?.[1]);
  return kinds.includes(undefined) ? [] : [...new Set(kinds)].map((kind) => `--${kind}`);
}

/** Named, the server need not send the others; matching by the end of a name is left to `parseRemoteTips`. */
const exactRefs = (refspecs: readonly string[]): readonly string[] =>
  refspecs.length <= MAX_ARGUMENTS && !refspecs.some((pattern) => pattern.includes("*")) ? refspecs : [];

function parseRemoteTips(stdout: string, refspecs: readonly string[]): Map<string, string> {
  const tips = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [sha, ref] = line.split("\t");
    if (sha && ref && matchesPattern(ref, refspecs) && !ref.startsWith("refs/lockstep/")) tips.set(ref, sha);
  }
  return tips;
}
