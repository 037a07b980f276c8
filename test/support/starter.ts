import { readdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { LogDetails } from "../../src/base/log.js";
import { createStarter } from "../../src/git/starter/supervise.js";
import { createProcesses } from "../../src/machine/processes.js";
import { PATH } from "./git.js";
import { tempDir } from "./temp.js";

/** Starts a starter, which is closed after the test. @returns the options to run git with it, the pids of its gits, and the files of its socket */
export async function startedStarter() {
  const runDir = join(tempDir(), "run");
  const warnings: LogDetails[] = [];
  const dir = tempDir();
  const starter = createStarter({ warn: (details) => void warnings.push(details) }, dir);
  onTestFinished(() => starter.close());
  const processes = createProcesses(runDir);
  await starter.ready();
  return {
    starter,
    warnings,
    sockets: () => readdirSync(dir, { recursive: true, encoding: "utf8" }),
    options: { binary: "git", path: PATH, processes, starter },
    running: () => readdirSync(runDir).map(Number),
  };
}
