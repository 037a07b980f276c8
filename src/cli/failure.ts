import { AnswerError } from "./client.js";
import { EXIT } from "./exit.js";

/**
 * Reports a failure; the process exits with the first failure's code.
 * @param what names the part that failed, where there are several
 */
export function reportFailure(error: unknown, what = ""): void {
  const answer = error instanceof AnswerError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  const named = message.includes(what) ? message : `${what}: ${message}`;
  process.stderr.write(`lockstep: ${named}\n${answer?.remedy ? `  → ${answer.remedy}\n` : ""}`);
  process.exitCode ||= answer?.exitCode ?? EXIT.failed;
}
