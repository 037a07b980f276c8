import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Lists the processes that work in a directory, such as git; `except` is Lockstep's own, 0 for none. */
export function pidsIn(dir: string, { except }: { except: number }): number[] {
  return allPids().filter((pid) => pid !== except && pid !== process.pid && worksIn(pid, dir));
}

/** Lists the processes that were started with this argument. */
export const pidsWithArgument = (argument: string): number[] =>
  allPids().filter((pid) => argumentsOf(pid).includes(argument));

// proc(5): /proc/<pid>/task/<tid>/children
export const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );

/** Returns the process that starts git for this Lockstep; empty: it starts git itself. */
export const startersOf = (lockstep: number): number[] =>
  childrenOf(lockstep).filter((pid) => argumentsOf(pid).some((argument) => argument.endsWith(STARTER)));

const STARTER = "/git/starter/main.js";

const allPids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // The process has ended.
  }
}

function worksIn(pid: number, dir: string): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return cwd.startsWith(dir) || readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${dir}/repos`);
  } catch {
    return false; // The process has ended, or is somebody else's.
  }
}

export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
