import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { startersOf } from "../processes.js";

const ATTACH_MS = 20_000;
const ATTACHED = /^strace: Process \d+ attached/;

export interface Attached {
  /** Ends strace; what it traced goes on. */
  detach(): Promise<void>;
  /** Ends strace when all that it traced was killed; a strace that holds a killed thread does not end by itself. */
  kill(): Promise<void>;
}

/**
 * Traces Lockstep, the process that starts git for it, and all that both start: strace -f -y … -p <pid> -p <pid>
 * @param report gets each line that strace prints to its standard error
 * @throws Error when strace cannot attach
 */
export async function attach(
  pid: number,
  args: string[],
  report: (line: string) => void = () => {},
): Promise<Attached> {
  const pids = [pid, ...startersOf(pid)];
  const strace = spawn("strace", ["-f", "-y", ...args, ...pids.flatMap((one) => ["-p", String(one)])], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(strace, "exit");
  await attached(strace, pids.length, report);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    strace.kill(signal);
    await exited;
  };
  return { detach: () => end("SIGINT"), kill: () => end("SIGKILL") };
}

function attached(strace: ChildProcess, count: number, report: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    let missing = count;
    const fail = (): void => reject(new Error(`strace cannot attach: ${said.join("; ")}`));
    const timer = setTimeout(fail, ATTACH_MS);
    strace.once("exit", fail);
    strace.once("error", reject);
    createInterface({ input: strace.stderr! }).on("line", (line) => {
      if (said.length < 3) said.push(line);
      report(line);
      if (!ATTACHED.test(line)) return;
      missing -= 1;
      if (missing > 0) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
