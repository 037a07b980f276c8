import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * The git processes that run are on disk, as `<pid>` files with their start time: git outlives a
 * `kill -9` of its parent and would go on writing into a mirror beside its successor.
 */
export interface Processes {
  /** Notes a child until it ends. */
  track(child: ChildProcess): void;
  /** Ends what a child has started, gently and after `graceMs` by force. Resolves when none of it runs. */
  endBelow(pid: number, graceMs: number): Promise<void>;
  /** Ends what an earlier process left, children first. @returns how many were ended. */
  endSurvivors(): Promise<number>;
}

const POLL_MS = 10;

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
    endBelow: (pid, graceMs) => endAll(descendants(pid).slice(1), graceMs),
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
  for (const name of processNames()) {
    const parent = /^\d+$/.test(name) ? Number(stat(Number(name))?.[1]) : Number.NaN;
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

const processNames = (): string[] => (existsSync("/proc") ? readdirSync("/proc") : []);

async function endTree(root: number): Promise<number> {
  const pids = descendants(root);
  await endAll(pids, 0);
  return pids.length;
}

/** Children first: a parent that sees its child end clears up and ends too. */
async function endAll(pids: number[], graceMs: number): Promise<void> {
  const started = new Map(pids.reverse().map((pid) => [pid, startTime(pid)]));
  const left = () => [...started].filter(([pid, at]) => at !== null && runs(pid, at)).map(([pid]) => pid);
  if (graceMs > 0) signal(left(), "SIGTERM");
  for (let waited = 0; waited < graceMs && left().length > 0; waited += POLL_MS) await delay(POLL_MS);
  signal(left(), "SIGKILL");
  for (let waited = 0; waited < 5_000 && left().length > 0; waited += POLL_MS) await delay(POLL_MS);
}

const runs = (pid: number, startedAt: string): boolean => {
  const fields = stat(pid);
  return fields?.[19] === startedAt && !["Z", "X"].includes(fields[0] ?? "");
};

function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // ended by itself meanwhile
    }
  }
}
