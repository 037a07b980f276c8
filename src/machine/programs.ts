import { spawn } from "node:child_process";
import type { Processes } from "./processes.js";

export interface ProgramCall {
  /** Path of the executable; no shell reads it. */
  file: string;
  args: string[];
  cwd: string;
  /** All that the program gets to see of any environment. */
  env: Record<string, string>;
  input?: string;
  timeoutMs: number;
  /** Of what it writes to stdout and stderr the last bytes are kept. */
  maxOutputBytes: number;
  signal: AbortSignal;
  /** What it has started ends with it, also when it ends by itself. */
  alone?: boolean;
}

export interface ProgramResult {
  /** Exit code; null: a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** stdout and stderr, as they came. */
  output: string;
}

/** @throws the system's error, with its `code`, when the program cannot be started */
export type RunProgram = (call: ProgramCall) => Promise<ProgramResult>;

/** Between the gentle and the hard end, and what a grandchild that holds the pipes is waited for. */
const GRACE_MS = 2_000;

/**
 * Runs an operator's program in a process group of its own, which is ended as a whole: a script's children
 * would outlive it otherwise. One that survives a `kill -9` of Lockstep is ended at the next start.
 */
export function createPrograms(processes: Processes): RunProgram {
  return (call) =>
    new Promise((resolve, reject) => {
      const { file, args, cwd, env, input, timeoutMs, maxOutputBytes, signal, alone } = call;
      const child = spawn(file, args, { cwd, env, detached: true, stdio: "pipe" });
      processes.track(child);
      const output = tail(maxOutputBytes);
      child.stdout.on("data", output.add);
      child.stderr.on("data", output.add);
      // A program need not read what it is given.
      child.stdin.on("error", () => {});
      child.stdin.end(input ?? "");

      let timedOut = false;
      const timers: NodeJS.Timeout[] = [];
      const end = () => {
        endGroup(child.pid, "SIGTERM");
        timers.push(setTimeout(() => endGroup(child.pid, "SIGKILL"), GRACE_MS));
      };
      const deadline = setTimeout(() => {
        timedOut = true;
        end();
      }, timeoutMs);
      timers.push(deadline);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });

      const finish = (settle: () => void) => {
        for (const timer of timers) clearTimeout(timer);
        signal.removeEventListener("abort", end);
        settle();
      };
      child.once("error", (error) => finish(() => reject(error)));
      child.once("exit", () => {
        // Whoever was told to end has ended; what is left of its group has not listened.
        if (timedOut || signal.aborted || alone) endGroup(child.pid, "SIGKILL");
        timers.push(setTimeout(() => [child.stdout, child.stderr].map((pipe) => pipe.destroy()), GRACE_MS));
      });
      child.once("close", (code, by) =>
        finish(() => resolve({ code, signal: by, timedOut, output: output.text() })),
      );
    });
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it has ended by itself
  }
}

function tail(maxBytes: number) {
  let kept = Buffer.alloc(0);
  return {
    add(chunk: Buffer): void {
      kept = Buffer.concat([kept, chunk]);
      if (kept.length > maxBytes) kept = kept.subarray(kept.length - maxBytes);
    },
    text: () => kept.toString("utf8"),
  };
}
