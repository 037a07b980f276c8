import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Releasers } from "./releasers.js";
import { print, red } from "./terminal.js";

/** The tool was called wrongly; the message says how. */
export class UsageError extends Error {}

/** @throws UsageError for an option that the tool does not have */
export function parseOptions<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T }>>["values"] {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * Runs a tool from beginning to end, and releases what it has started, however it ends.
 * @param main returns the exit status; wrong use is 2, and any other error 1
 */
export function runTool(releasers: Releasers, main: () => Promise<number>): void {
  releasers.exitOnSignals((signal) => print(`${signal}: cleaning up`));
  main().then(
    (code) => releasers.exit(code),
    async (error: Error) => {
      if (releasers.exiting) return;
      print(red(error instanceof UsageError ? error.message : (error.stack ?? error.message)));
      await releasers.exit(error instanceof UsageError ? 2 : 1);
    },
  );
}
