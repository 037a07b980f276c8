import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { descendants, startTime } from "./process-table.js";
import { terminateAll } from "./terminate.js";

/**
 * Running git processes are recorded on disk, as `<pid>` files with their start time. git survives a `kill
 * -9` of its parent and would keep writing into a mirror beside its successor.
 */
export interface Processes {
  /** Records a child until the child ends. */
  track(child: ChildProcess): void;
  /** Ends what an earlier process left running, children first. @returns how many processes were ended */
  endSurvivors(): Promise<number>;
}

export function createProcesses(dir: string): Processes {
  mkdirSync(dir, { recursive: true, mode: 0o750 });
  return {
    track(child) {
      child.once("spawn", () => {
        const file = join(dir, String(child.pid));
        try {
          writeFileSync(file, startTime(child.pid!) ?? "");
        } catch {
          return; // A full disk must not fail a git that may free it.
        }
        child.once("exit", () => rmSync(file, { force: true }));
        if (child.exitCode !== null || child.signalCode !== null) rmSync(file, { force: true });
      });
    },
    async endSurvivors() {
      let ended = 0;
      for (const name of readdirSync(dir)) {
        const pid = Number(name);
        const file = join(dir, name);
        const started = readFileSync(file, "utf8");
        if (started !== "" && startTime(pid) === started) ended += await endTree(pid);
        rmSync(file, { force: true });
      }
      return ended;
    },
  };
}

async function endTree(root: number): Promise<number> {
  const pids = [root, ...descendants(root)];
  await terminateAll(pids, { graceMs: 0 });
  return pids.length;
}
