import { type ChildProcess, spawn } from "node:child_process";

export interface ProgramCall {
  file: string;
  args: string[];
  cwd: string;
  /** All of its environment. */
  env: Record<string, string>;
  /** What it reads from its standard input; none: it is closed. */
  input?: string;
  timeoutMs: number;
  /** Of what it wrote to both outputs, the last of it is kept. */
  maxOutputBytes: number;
  signal?: AbortSignal;
  /** Before it runs: who ends it, should this process be killed? */
  started?(child: ChildProcess): void;
}

export interface ProgramResult {
  /** null: it was ended by a signal, or could not be started. */
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  output: string;
}

const PIPES_MS = 1_000;

function closePipes(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/**
 * Runs an operator's program, without a shell and in a process group of its own, which ends with it: what
 * it leaves in the background is killed too. It never throws: a program that cannot be started says so in
 * its output. An aborted signal ends it.
 */
export function runProgram(call: ProgramCall): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const output = createTail(call.maxOutputBytes);
    let timedOut = false;
    const child = spawn(call.file, call.args, { cwd: call.cwd, env: call.env, detached: true });
    call.started?.(child);
    // A negative pid is the whole group: kill(2).
    const endGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // all of it has ended
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup();
    }, call.timeoutMs);
    call.signal?.addEventListener("abort", endGroup, { once: true });
    if (call.signal?.aborted) endGroup();
    child.stdout.on("data", output.add);
    child.stderr.on("data", output.add);
    // A program need not read what it is given.
    child.stdin.on("error", () => {}).end(call.input ?? "");
    child.once("error", (error) => output.add(Buffer.from(`${error.message}\n`)));
    child.once("exit", endGroup);
    // What left the group may hold the pipes for as long as it lives; nobody waits for it.
    child.once("exit", () => setTimeout(() => closePipes(child), PIPES_MS).unref());
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", endGroup);
      resolve({ code: child.pid === undefined ? null : code, signal, timedOut, output: output.text() });
    });
  });
}

function createTail(max: number) {
  let kept = Buffer.alloc(0);
  let cut = false;
  return {
    add(chunk: Buffer) {
      const all = Buffer.concat([kept, chunk]);
      cut ||= all.length > max;
      kept = all.subarray(Math.max(0, all.length - max));
    },
    text: () => (cut ? "…" : "") + kept.toString("utf8"),
  };
}
