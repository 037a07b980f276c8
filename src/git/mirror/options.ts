import type { ScopeOf } from "../../base/model.js";
import type { Layout } from "../disk/layout.js";
import type { RunGit } from "../run/exec.js";
import type { Pin } from "./pins.js";

export interface MirrorOptions {
  git: RunGit;
  layout: Layout;
  scopeOf: ScopeOf;
  fetchTimeoutMs: number;
  cloneTimeoutMs: number;
  /** Returns which commits are published, and the refs that would keep them. */
  published(id: number): Pin[];
}

export interface RunContext {
  signal: AbortSignal;
  onProgress?: (line: string) => void;
  /**
   * Called once GitHub has answered under the repository's name, before the answer is used. @throws to stop
   */
  confirmName?: () => Promise<unknown>;
}
