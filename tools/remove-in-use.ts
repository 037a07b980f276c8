import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pidsIn, sendSignal } from "./torture/processes.js";

const LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 20;
const COME_AND_GO = ["ENOTEMPTY", "EBUSY"];

/**
 * Removes a directory, and ends the programs that still work there when that keeps it from being removed: a git outlives
 * a Lockstep that was killed. `maxRetries` of `rm` would not do, as it never looks again for files that came meanwhile.
 * @throws Error of the file system, when new files come for 30 s
 */
export async function removeInUse(dir: string): Promise<void> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await rm(dir, { recursive: true, force: true });
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!COME_AND_GO.includes(code) || performance.now() > until) throw error;
      for (const pid of pidsIn(dir, { except: 0 })) sendSignal(pid, "SIGKILL");
      await sleep(LOOK_EVERY_MS);
    }
  }
}
