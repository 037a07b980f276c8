import type { RunGit } from "../git/run/exec.js";
import type { RunProgram } from "../machine/programs.js";
import type { Candidate, Verdict } from "./candidate.js";
import { inspectTree } from "./inspect-tree.js";
import { type Signers, verifySignature } from "./signature.js";

export type { Candidate, Verdict } from "./candidate.js";
export type { Signers } from "./signature.js";

export interface GateOptions {
  git: RunGit;
  run: RunProgram;
  /** PRE_PUBLISH_HOOK; null: none. */
  hook: string | null;
  hookTimeoutMs: number;
  signers: Signers | null;
  searchPath: string;
}

/** What has to let a commit through before it is published. */
export function createGate({ git, run, hook, hookTimeoutMs, signers, searchPath }: GateOptions) {
  return {
    hasHook: hook !== null,
    /** The commit, or the tag that leads to it, is signed by one of the signers. */
    async signature(candidate: Candidate): Promise<Verdict> {
      return signers && verifySignature({ git, signers }, candidate);
    },
    /** The operator's program looks at the new tree, and everything waits for it. */
    async inspect(candidate: Candidate, tree: string, signal?: AbortSignal): Promise<Verdict> {
      return hook === null
        ? null
        : inspectTree({ run, hook, hookTimeoutMs, searchPath }, candidate, tree, signal);
    },
  };
}

export type Gate = ReturnType<typeof createGate>;
