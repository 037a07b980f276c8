import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * The git processes that run are on disk, as `<pid>` files with their start time: git outlives a
 * `kill -9` of its parent and would go on writing into a mirror beside its successor.
 */
export interface Processes {
  /** Notes a child until it ends. */
  track(child: ChildProcess): void;
  /** Ends what an earlier process left, children first. @returns how many were ended. */
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
          return; // a full disk must not fail a git that may free it
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

/**
 * Clock ticks from boot to the start of a process, field 22 of /proc/<pid>/stat (proc(5)): with the
 * pid it names one process for good. Null where the process or /proc is not there.
 */
function startTime(pid: number): string | null {
  return stat(pid)?.[19] ?? null;
}

/** The fields of /proc/<pid>/stat from the third on: the second may hold spaces. */
function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? Number(stat(Number(name))?.[1]) : Number.NaN;
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

async function endTree(root: number): Promise<number> {
  const pids = descendants(root);
  for (const pid of pids.reverse()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ended by itself meanwhile
    }
  }
  const gone = (pid: number) => ["Z", "X", undefined].includes(stat(pid)?.[0]);
  for (let waited = 0; waited < 5_000 && !pids.every(gone); waited += 10) await delay(10);
  return pids.length;
}
