import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** proc(5): clear_refs 5 sets the peak to what is resident now. */
export const resetPeakMemory = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, "5");

/** Returns the peak memory in bytes, since the start or the last reset. */
export function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

const TICKS_A_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Returns the user and system time of a process so far, without its children's. */
export const cpuSeconds = (pid: number): number => ticksOf(pid, { from: 11 }) / TICKS_A_SECOND;

/** Returns the user and system time of a process's children, and theirs, that have ended and were waited for. */
export const childrenCpuSeconds = (pid: number): number => ticksOf(pid, { from: 13 }) / TICKS_A_SECOND;

/** @param from the first of two fields of proc(5)'s stat, counted from the state */
function ticksOf(pid: number, { from }: { from: number }): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may hold spaces.
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(from, from + 2);
  return Number(user) + Number(system);
}

/** Returns the user and system time of a process so far, of the processes below it, and of those that have ended. */
export function treeCpuSeconds(pid: number): number {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const child = Number(name);
    const parent = Number.isNaN(child) ? null : parentOf(child);
    if (parent !== null) parents.set(parent, [...(parents.get(parent) ?? []), child]);
  }
  const sum = (of: number): number => {
    const below = (parents.get(of) ?? []).reduce((total, child) => total + sum(child), 0);
    return below + orNothing(() => cpuSeconds(of) + childrenCpuSeconds(of), 0);
  };
  return sum(pid);
}

/** Returns the processes that a process has started and that still run. */
export const childrenOf = (pid: number): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((child) => !Number.isNaN(child) && parentOf(child) === pid);

const parentOf = (pid: number): number | null =>
  orNothing(() => Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]), null);

/** A process may end while it is looked at. */
function orNothing<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
