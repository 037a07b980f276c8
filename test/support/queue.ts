import { onTestFinished } from "vitest";
import { type ErrorCode, RefreshError } from "../../src/base/errors.js";
import type { PushHint, RefreshIntent, Subject, Trigger } from "../../src/base/model.js";
import type { Resource } from "../../src/base/resources.js";
import type { WorkClass } from "../../src/queue/classes.js";
import type { RefreshQueue } from "../../src/queue/contract.js";
import { createEmbeddedQueue } from "../../src/queue/embedded.js";
import { QUEUE_TABLES } from "../../src/queue/tables.js";
import { openStore, type Store } from "../../src/store/database.js";
import { tempDir } from "./temp.js";

export interface Clock {
  now: number;
}

export const repository = (id: number): Subject => ({ kind: "repository", id });

export const sha = (n: number): string => n.toString(16).padStart(40, "0");

/** A push that moves a ref from commit n-1 to n, in second n. */
export const push = (n: number, ref = "refs/heads/main"): PushHint => ({
  ref,
  before: sha(n - 1),
  after: sha(n),
  pushedAt: n,
});

export const pushed = (...hints: PushHint[]) => ({ trigger: "push" as const, hints, full: false });

interface Opening {
  quietPeriodMs?: number;
  random?: () => number;
  hasRoom?: (workClass: WorkClass) => boolean;
  dir?: string;
}

/** A real queue on a real file; `reopen` returns the state after a crash and a restart. */
export function openQueue(options: Opening = {}) {
  const clock: Clock = { now: 1_000_000 };
  const clones = new Set<number>();
  const dir = options.dir ?? tempDir();
  let store: Store = openStore(dir, [QUEUE_TABLES]);
  onTestFinished(() => store.close());
  const open = (): RefreshQueue =>
    createEmbeddedQueue({
      store,
      quietPeriodMs: options.quietPeriodMs ?? 0,
      gitHost: "github.com",
      needsClone: (id) => clones.has(id),
      now: () => clock.now,
      wallNow: () => clock.now,
      random: options.random ?? (() => 0.5),
      hasRoom: options.hasRoom ?? (() => true),
    });
  return {
    clock,
    /** The ids of repositories without a mirror. */
    clones,
    /** The path of the database's directory. */
    dir,
    store: () => store,
    queue: open(),
    reopen(): RefreshQueue {
      store.close();
      store = openStore(dir, [QUEUE_TABLES]);
      return open();
    },
  };
}

/** Begins what may start in a class, in its order, and returns the ids. The runs stay open. */
export function started(queue: RefreshQueue, workClass: WorkClass = "short", limit = 100): number[] {
  const ids: number[] = [];
  for (let tries = 0; tries < limit; tries++) {
    const subject = queue.next(workClass);
    if (!subject) break;
    if (queue.begin(subject)) ids.push(subject.id);
  }
  return ids;
}

export const asks = (trigger: Trigger): RefreshIntent => ({ trigger, hints: [], full: true });

/** A failure without an answer from GitHub's git server. */
export const silent = (code: ErrorCode = "upstream_error"): RefreshError =>
  new RefreshError(code, "no answer", { resource: { kind: "git", host: "github.com" } });

/** GitHub's request to wait, for a call of this kind. */
export const askedToWait = (ms: number, resource: Resource): RefreshError =>
  new RefreshError("rate_limited", "slow down", { retryAfterMs: ms, resource });

export const GIT: Resource = { kind: "git", host: "github.com" };
