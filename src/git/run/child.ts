import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { setPriority } from "node:os";
import { simpleGit } from "simple-git";
import { RefreshError } from "../../base/errors.js";
import { type Limit, onceAborted } from "../../machine/limit.js";
import type { Processes } from "../../machine/processes.js";
import { closePipesAfterExit, terminate } from "../../machine/terminate.js";
import { environment, type Surroundings } from "./environment.js";
import { endedEarly, notStarted } from "./failure.js";

export interface GitOptions {
  binary: string;
  /** PATH, for git and for what git starts. */
  path: string;
  processes: Processes;
}

export interface ChildCall extends Surroundings {
  args: string[];
  timeoutMs: number;
  signal?: AbortSignal;
  /** Exit codes that are an answer, not a failure. Default: 0 alone. */
  okCodes?: number[];
  onProgress?: (line: string) => void;
  /** Nobody waits for it: it gives way to whatever else wants a processor. */
  background?: boolean;
}

/** Whether git ended in one of the ways the call expects. */
export const isAnswer = ({ okCodes = [0] }: ChildCall, code: number | null): code is number =>
  code !== null && okCodes.includes(code);

export interface Plumbing {
  /** Takes stdout and stderr from their first byte, and gives stdin all that it gets. */
  connect(child: ChildProcessWithoutNullStreams): void;
  /** Whether stdout is still being taken from a git that has ended. */
  isBusy?(): boolean;
}

/**
 * Starts git by simple-git, in the environment of the call and no other. What it starts is noted on disk,
 * and ended at the limit.
 * @returns the exit code, once git has ended and its pipes are closed; null: a signal has ended it
 * @throws RefreshError `timeout`, `cancelled`, `no_git`; GitFailure when git cannot be started
 */
export async function runChild(
  options: GitOptions,
  call: ChildCall,
  limit: Limit,
  plumbing: Plumbing,
): Promise<number | null> {
  if (limit.reason()) throw new RefreshError("cancelled", `git ${call.args[0]} was not started`);
  return new Promise((resolve, reject) => {
    const onChild = (child: ChildProcess) => {
      options.processes.track(child);
      child.once("spawn", () => {
        if (call.background) giveWay(child);
        takePipes(child as ChildProcessWithoutNullStreams, call, plumbing);
      });
      closePipesAfterExit(child, { isBusy: () => plumbing.isBusy?.() ?? false });
      onceAborted(limit.signal, async () => {
        await terminate(child, { reach: "descendants" });
        reject(endedEarly(call, limit.reason()!));
      });
      child.once("error", (error) => reject(notStarted(call, error)));
      child.once("close", (code) => {
        // One that has done its work although it was told to end has done it.
        if (!limit.reason() || code === 0) resolve(code);
      });
    };
    seats.run({ onChild }, () => start(options, call)).catch((error) => reject(notStarted(call, error)));
  });
}

/** simple-git keeps its child to itself; Node tells of every child it makes, before it is spawned. */
const seats = new AsyncLocalStorage<{ onChild: ((child: ChildProcess) => void) | null }>();
subscribe("child_process", (message) => {
  const seat = seats.getStore();
  seat?.onChild?.((message as { process: ChildProcess }).process);
  // A program that is started by whoever reads git's output is not git.
  if (seat) seat.onChild = null;
});

/** Rejects when simple-git starts no child. How the child ends is read from the child. */
async function start({ binary, path }: GitOptions, call: ChildCall): Promise<void> {
  const env = environment(path, call);
  await simpleGit({
    baseDir: "/", // never inside somebody's repository
    binary,
    allowEnvironment: Object.keys(env),
    unsafe: {
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeHooksPath: true,
      allowUnsafeTemplateDir: true,
      allowUnsafeUrlRewrite: true,
      allowUnsafeGpgProgram: true,
    },
    // It takes a git that was killed, or failed without a word, for a success: its verdict is not asked.
    errors: () => undefined,
  })
    .env(env)
    .raw(call.args);
}

function takePipes(child: ChildProcessWithoutNullStreams, call: ChildCall, plumbing: Plumbing): void {
  // simple-git would keep every byte until the end, 100 MiB of a stream of 100 MiB: its listeners go.
  for (const pipe of [child.stdout, child.stderr]) pipe.removeAllListeners("data");
  // git need not read what it is given.
  child.stdin.on("error", () => {});
  if (call.onProgress) child.stderr.on("data", progressLines(call.onProgress));
  plumbing.connect(child);
}

/** nice(1) 19; what it starts inherits that. */
function giveWay(child: ChildProcess): void {
  try {
    setPriority(child.pid!, 19);
  } catch {
    // It has ended already.
  }
}

/** git redraws its progress with carriage returns. */
const progressLines = (tell: (line: string) => void) => (chunk: Buffer) => {
  const line = chunk
    .toString("utf8")
    .trim()
    .split(/[\r\n]/)
    .at(-1);
  if (line && /\d+%/.test(line)) tell(line);
};
