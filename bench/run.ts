import type { Releasers } from "../tools/releasers.js";
import { print, red } from "../tools/terminal.js";

/** A benchmark from beginning to end: what it has started is released, however it ends. */
export function run(releasers: Releasers, main: () => Promise<void>): void {
  releasers.exitOnSignals((signal) => print(`${signal}: cleaning up`));
  main().then(
    () => releasers.exit(0),
    async (error: Error) => {
      if (releasers.exiting) return;
      print(red(`the benchmark failed: ${error.message}`));
      await releasers.exit(1);
    },
  );
}
