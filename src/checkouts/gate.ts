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
  /** The path of PRE_PUBLISH_HOOK; null when it is not set. */
  hook: string | null;
  hookTimeoutMs: number;
  signers: Signers | null;
  searchPath: string;
}

/** The checks that a commit must pass before it is published. */
export function createGate({ git, run, hook, hookTimeoutMs, signers, searchPath }: GateOptions) {
  return {
    hasHook: hook !== null,
    /** Requires that one of the signers signed the commit, or the tag that leads to the commit. */
    async signature(candidate: Candidate): Promise<Verdict> {
      return signers && verifySignature({ git, signers }, candidate);
    },
    /** Runs the operator's program on the new tree; publishing waits for its exit. */
    async inspect(candidate: Candidate, tree: string, signal?: AbortSignal): Promise<Verdict> {
      return hook === null
        ? null
        : inspectTree({ run, hook, hookTimeoutMs, searchPath }, candidate, tree, signal);
    },
  };
}

export type Gate = ReturnType<typeof createGate>;
