import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const ATTACH_MS = 20_000;
const ATTACHED = /^strace: Process \d+ attached/;

export interface Attached {
  /** Ends strace; what it traced goes on. */
  detach(): Promise<void>;
  /** Ends strace when all that it traced was killed; a strace that holds a killed thread does not end by itself. */
  kill(): Promise<void>;
}

/**
 * Traces a process and all that it starts: strace -f -y -p <pid> …
 * @param report gets each line that strace prints to its standard error
 * @throws Error when strace cannot attach
 */
export async function attach(
  pid: number,
  args: string[],
  report: (line: string) => void = () => {},
): Promise<Attached> {
  const strace = spawn("strace", ["-f", "-y", ...args, "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(strace, "exit");
  await attached(strace, report);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    strace.kill(signal);
    await exited;
  };
  return { detach: () => end("SIGINT"), kill: () => end("SIGKILL") };
}

function attached(strace: ChildProcess, report: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const fail = (): void => reject(new Error(`strace cannot attach: ${said.join("; ")}`));
    const timer = setTimeout(fail, ATTACH_MS);
    strace.once("exit", fail);
    strace.once("error", reject);
    createInterface({ input: strace.stderr! }).on("line", (line) => {
      if (said.length < 3) said.push(line);
      report(line);
      if (!ATTACHED.test(line)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
