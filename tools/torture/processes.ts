import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Lists the processes that work in a directory, such as git; `except` is Lockstep's own, 0 for none. */
export function pidsIn(dir: string, { except }: { except: number }): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== except && pid !== process.pid && worksIn(pid, dir));
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
