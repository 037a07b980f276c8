import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Releasers } from "../tools/releasers.js";
import { print, red } from "../tools/terminal.js";

/** Runs a benchmark from beginning to end, and releases what the benchmark has started, however it ends. */
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

/** Makes a separate directory, which is removed together with what was started in it. */
export async function workDir(releasers: Releasers): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
  releasers.add(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return dir;
}
