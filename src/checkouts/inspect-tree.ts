import { fullName } from "../base/names.js";
import type { ProgramResult, RunProgram } from "../machine/programs.js";
import { type Candidate, MAX_OUTPUT, type Verdict } from "./candidate.js";

interface InspectTools {
  run: RunProgram;
  /** The path of PRE_PUBLISH_HOOK. */
  hook: string;
  hookTimeoutMs: number;
  searchPath: string;
}

/** Runs the operator's program in the new tree. @returns null when the program accepts the commit */
export async function inspectTree(
  { run, hook, hookTimeoutMs, searchPath }: InspectTools,
  { repository, ref, before, sha }: Candidate,
  tree: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Verdict> {
  const result = await run({
    file: hook,
    args: [],
    cwd: tree,
    // The tree must not change once the program has inspected it.
    alone: true,
    env: {
      PATH: searchPath,
      LOCKSTEP_REPOSITORY: fullName(repository),
      LOCKSTEP_REF: ref,
      LOCKSTEP_BEFORE: before ?? "",
      LOCKSTEP_AFTER: sha,
      LOCKSTEP_TREE: tree,
    },
    timeoutMs: hookTimeoutMs,
    maxOutputBytes: MAX_OUTPUT,
    signal,
  }).catch(notStarted);
  if (result.code === 0 && !result.timedOut) return null;
  const output = `${result.output}\nthe pre-publish hook ${endOf(result, hookTimeoutMs)}`.trim();
  return { reason: "veto", output };
}

/** A program that cannot be started rejects the commit. */
const notStarted = (error: unknown): ProgramResult => ({
  code: null,
  signal: null,
  timedOut: false,
  output: error instanceof Error ? error.message : String(error),
});

function endOf({ code, signal, timedOut }: ProgramResult, timeoutMs: number): string {
  if (timedOut) return `was stopped after ${timeoutMs} ms`;
  return code === null ? `was terminated by ${signal ?? "the system"}` : `exited with ${code}`;
}
