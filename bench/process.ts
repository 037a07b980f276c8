import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

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
