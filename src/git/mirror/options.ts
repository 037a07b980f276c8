import type { ScopeOf } from "../../base/model.js";
import type { Layout } from "../disk/layout.js";
import type { RunGit } from "../run/exec.js";
import type { KeptTip } from "./kept.js";
import type { Pin } from "./pins.js";

export interface MirrorOptions {
  git: RunGit;
  layout: Layout;
  scopeOf: ScopeOf;
  fetchTimeoutMs: number;
  cloneTimeoutMs: number;
  /** Whether small pushes are fetched without `git fetch`. */
  directFetch: boolean;
  /** Returns which commits are published, or about to be, and the refs that would keep them. */
  published(id: number): Pin[];
  keptRecord: KeptRecord;
  doubts: Doubts;
}

/** The database's copy of the kept tips, from which lost refs are made again. */
export interface KeptRecord {
  of(id: number): Promise<KeptTip[]>;
  count(id: number): number;
  add(id: number, tips: KeptTip[]): Promise<void>;
  drop(id: number, tips: KeptTip[]): Promise<void>;
  /** Drops all tips that were kept before `at`, in milliseconds since 1970. */
  dropBefore(id: number, at: number): Promise<void>;
  replace(id: number, tips: KeptTip[]): Promise<void>;
}

/** The mirrors whose files may not have reached the disk before the machine was started again. */
export interface Doubts {
  needsInspection(id: number): boolean;
  inspected(id: number): void;
  /** Returns when all objects were last found to exist, in milliseconds since 1970; null: never. */
  checkedAt(id: number): number | null;
  /** Called with what the inspection has found; the mirror is cloned again. */
  onBroken(id: number, reason: string): void;
}

export interface RunContext {
  signal: AbortSignal;
  onProgress?: (line: string) => void;
  /**
   * Called once GitHub has answered under the repository's name, before the answer is used. A first clone has nothing
   * left to do then but to take its place, so that it may wait here for others. @throws to stop
   */
  confirmName?: () => Promise<unknown>;
  /** Lets others look at the mirror while a clone waits for GitHub. */
  lend?: <T>(wait: () => Promise<T>) => Promise<T>;
}
