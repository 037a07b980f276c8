import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * This file reads what /proc says about the machine's processes (proc(5)). Without /proc every process is
 * unknown.
 */

/**
 * Returns the clock ticks from boot to the start of a process, field 22 of /proc/<pid>/stat. With the pid,
 * the start time identifies one process for good. Null: the process or /proc does not exist.
 */
export function startTime(pid: number): string | null {
  return stat(pid)?.[19] ?? null;
}

/** Whether the process with this start time still runs; a zombie does not. */
export function isRunning(pid: number, startedAt: string): boolean {
  const fields = stat(pid);
  return fields?.[19] === startedAt && !["Z", "X"].includes(fields[0] ?? "");
}

/** Returns children, their children and so on; parents come before their children. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of processNames()) {
    const parent = /^\d+$/.test(name) ? Number(stat(Number(name))?.[1]) : Number.NaN;
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found.slice(1);
}

/** Returns the processes of this user that were started with this entry in their environment, `NAME=value`. */
export function processesWith(entry: string): number[] {
  const pids = processNames().filter((name) => /^\d+$/.test(name) && environOf(name).includes(entry));
  return pids.map(Number);
}

function environOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

const processNames = (): string[] => (existsSync("/proc") ? readdirSync("/proc") : []);

/** Returns the fields of /proc/<pid>/stat from the third on, because the second may contain spaces. */
function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
