import { type ErrorCode, RefreshError } from "../../base/errors.js";
import { asMessage } from "../../base/message.js";
import type { EndReason } from "../../machine/limit.js";
import { brokenRef, classify, missingRef, refusedRefs, unanswerable } from "./classify.js";

/** git passes on what the server says; a line may be long. In characters. */
const MAX_SAID = 10_000;

export class GitFailure extends RefreshError {
  constructor(
    code: ErrorCode,
    message: string,
    /** git's stderr, empty when git printed nothing; for a streaming run, the end of stderr. */
    readonly stderr: string,
  ) {
    super(code, message);
  }
}

/** @returns the missing ref that made a fetch fail; null: the fetch failed for another reason */
export const missingRefOf = (error: unknown): string | null =>
  error instanceof GitFailure && error.code === "ref_missing" ? missingRef(error.stderr) : null;

/** @returns the refs that a fetch could not write; none: the fetch failed for another reason */
export const refusedRefsOf = (error: unknown): { ref: string; reason: string }[] =>
  error instanceof GitFailure && ["ref_refused", "ref_conflict"].includes(error.code)
    ? refusedRefs(error.stderr).map(({ ref, reason }) => ({ ref, reason: asMessage(reason, 600) }))
    : [];

/** @returns why git cannot answer what a reader asks for; null: it failed for another reason */
export const unanswerableOf = (error: unknown): string | null =>
  error instanceof GitFailure ? unanswerable(error.stderr) : null;

/**
 * Requires that git has left out no ref. git exits with 0 although a ref's file is empty, and such a ref would
 * look deleted.
 * @throws GitFailure `corrupt`
 */
export function requireAllRefs({ stderr }: { stderr: string }): void {
  const broken = brokenRef(stderr);
  if (broken !== null) throw new GitFailure("corrupt", `the file of ${broken} is broken`, stderr);
}

interface FailedCall {
  args: string[];
  timeoutMs: number;
  stall?: { ms: number };
}

/** @param code null: a signal ended git */
export function failureOf({ args }: FailedCall, code: number | null, stderr: string): GitFailure {
  const printed = stderr.trim();
  const how = code === null ? "was killed by a signal" : `exited with ${code}`;
  const detail = lastLines(printed) || "it printed nothing";
  return new GitFailure(classify(printed), `git ${args[0]} ${how}: ${detail}`, printed);
}

/** git redraws a line of progress with carriage returns. */
function lastLines(text: string): string {
  const lines = text.slice(-MAX_SAID).split("\n").slice(-4);
  return asMessage(lines.map((line) => line.slice(line.lastIndexOf("\r") + 1)).join(" | "), 600);
}

/** git was not started: the system could not start it, or simple-git's guard refused to. */
export function notStarted({ args }: FailedCall, error: Error): RefreshError {
  if (["ENOENT", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
    return new RefreshError("no_git", "git could not be started", { cause: error });
  const said = String(error);
  return new GitFailure(classify(said), `git ${args[0]} could not be started: ${lastLines(said)}`, said);
}

/** git was ended before it ended by itself. */
export function endedEarly({ args, timeoutMs, stall }: FailedCall, reason: EndReason): RefreshError {
  switch (reason) {
    case "stalled":
      return new RefreshError("timeout", `git ${args[0]} was stopped after ${stall?.ms} ms without progress`);
    case "timeout":
      return new RefreshError("timeout", `git ${args[0]} was stopped after ${timeoutMs} ms`);
    case "cancelled":
      return new RefreshError("cancelled", `git ${args[0]} was cancelled`);
    case "abandoned":
      return new RefreshError(
        "cancelled",
        `git ${args[0]} was stopped because its reader went away or its input was cut off`,
      );
  }
}
