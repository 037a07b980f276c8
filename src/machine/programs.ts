import { spawn } from "node:child_process";
import { onceAborted, startLimit } from "./limit.js";
import type { Processes } from "./processes.js";
import { createTail } from "./tail.js";
import { closePipesAfterExit, signalGroup, terminate } from "./terminate.js";

export interface ProgramCall {
  /** The path of the executable; no shell reads the path. */
  file: string;
  args: string[];
  cwd: string;
  /** The program sees these environment variables and no others. */
  env: Record<string, string>;
  input?: string;
  timeoutMs: number;
  /** Only the last bytes of what the program writes to stdout and stderr are kept. */
  maxOutputBytes: number;
  signal: AbortSignal;
  /** Whatever the program has started ends with it, even when the program ends by itself. */
  alone?: boolean;
}

export interface ProgramResult {
  /** The exit code; null: a signal ended the program. */
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** stdout and stderr in the order in which the output came. */
  output: string;
}

/** @throws the system's error, with its `code`, when the program cannot be started */
export type RunProgram = (call: ProgramCall) => Promise<ProgramResult>;

/**
 * Runs an operator's program in its own process group, which is ended as a whole: a script's children would
 * outlive the script otherwise. A program that survives a `kill -9` of Lockstep is ended at the next start.
 */
export function createPrograms(processes: Processes): RunProgram {
  return (call) =>
    new Promise((resolve, reject) => {
      const { file, args, cwd, env, input, maxOutputBytes, alone } = call;
      const child = spawn(file, args, { cwd, env, detached: true, stdio: "pipe" });
      processes.track(child);
      const output = createTail(maxOutputBytes);
      child.stdout.on("data", output.add);
      child.stderr.on("data", output.add);
      // A program need not read its input.
      child.stdin.on("error", () => {});
      child.stdin.end(input ?? "");

      const limit = startLimit(call);
      onceAborted(limit.signal, () => void terminate(child, { reach: "group" }));
      closePipesAfterExit(child);
      child.once("exit", () => {
        if (alone) signalGroup(child.pid!, "SIGKILL");
      });
      child.once("error", (error) => {
        limit.release();
        reject(error);
      });
      child.once("close", (code, signal) => {
        limit.release();
        resolve({ code, signal, timedOut: limit.reason() === "timeout", output: output.text() });
      });
    });
}
