import { AnswerError } from "./client.js";
import { EXIT } from "./exit.js";

/**
 * Tells what failed; the process ends with the first failure's code.
 * @param what failed, where there are several
 */
export function tellFailure(error: unknown, what = ""): void {
  const told = error instanceof AnswerError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  const named = message.includes(what) ? message : `${what}: ${message}`;
  process.stderr.write(`lockstep: ${named}\n${told?.remedy ? `  → ${told.remedy}\n` : ""}`);
  process.exitCode ||= told?.exitCode ?? EXIT.failed;
}
