import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { getPriority, setPriority } from "node:os";
import { simpleGit } from "simple-git";
import { RefreshError } from "../../base/errors.js";
import { type Limit, onceAborted, type Stall } from "../../machine/limit.js";
import type { Processes } from "../../machine/processes.js";
import { closePipesAfterExit, terminate } from "../../machine/terminate.js";
import { asChild } from "../starter/started-git.js";
import type { Starter } from "../starter/supervise.js";
import { environment, type Surroundings } from "./environment.js";
import { endedEarly, notStarted } from "./failure.js";

export interface GitOptions {
  binary: string;
  /** PATH for git, and for what git starts. */
  path: string;
  processes: Processes;
  /** Starts git in Lockstep's place; null, or while it is not up: simple-git does. */
  starter?: Pick<Starter, "start"> | null;
}

/**
 * How urgently git is waited for, and how far its priority is below this process's, as nice(1) has it: an answer to GitHub
 * comes before a refresh, a refresh before a clone, and what nobody waits for comes last.
 */
export const NICENESS = { refresh: 5, clone: 10, background: 19 } as const;
export type Urgency = keyof typeof NICENESS;

export interface ChildCall extends Surroundings {
  args: string[];
  timeoutMs: number;
  /** What git prints to stderr counts as progress, too. */
  stall?: Stall;
  signal?: AbortSignal;
  /** Exit codes that are an answer, not a failure. Default: only 0. */
  okCodes?: number[];
  onProgress?: (line: string) => void;
  /** What the process gives way to when the processors are busy; default `refresh`. */
  urgency?: Urgency;
}

/** Whether git ended in one of the ways that the call expects. */
export const isAnswer = ({ okCodes = [0] }: ChildCall, code: number | null): code is number =>
  code !== null && okCodes.includes(code);

export interface Plumbing {
  /** Connects stdout and stderr from their first byte, and writes all of stdin. */
  connect(child: ChildProcessWithoutNullStreams): void;
  /** Whether stdout of a git that has ended is still being read. */
  isBusy?(): boolean;
}

/**
 * Starts git by the starter or by simple-git, in the environment of the call and no other. The child is recorded on disk, and
 * ended at the limit.
 * @returns the exit code, once git has ended and its pipes are closed; null: a signal has ended git
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
        takePipes(child as ChildProcessWithoutNullStreams, call, plumbing);
        child.stderr?.on("data", limit.alive);
      });
      closePipesAfterExit(child, { isBusy: () => plumbing.isBusy?.() ?? false });
      onceAborted(limit.signal, async () => {
        await terminate(child, { reach: "descendants" });
        reject(endedEarly(call, limit.reason()!));
      });
      child.once("error", (error) => reject(notStarted(call, error)));
      child.once("close", (code) => {
        // A git that exits with 0 has done its work, although the limit was reached.
        if (!limit.reason() || code === 0) resolve(code);
      });
    };
    const started = startByStarter(options, call);
    if (started) return onChild(asChild(started));
    const onOwnChild = (child: ChildProcess) => {
      child.once("spawn", () => lowerPriority(child, nicenessOf(call)));
      onChild(child);
    };
    seatChild(onOwnChild, () => start(options, call)).catch((error) => reject(notStarted(call, error)));
  });
}

/** @returns null: there is no starter, or it is not up */
const startByStarter = ({ starter, binary, path }: GitOptions, call: ChildCall) =>
  starter?.start({
    file: binary,
    args: call.args,
    env: environment(path, call),
    nice: nicenessOf(call),
  }) ?? null;

/**
 * simple-git does not expose its child process; Node's diagnostics report every child before the child is
 * spawned.
 */
const seats = new AsyncLocalStorage<{ onChild: ((child: ChildProcess) => void) | null }>();
let taken = 0;
subscribe("child_process", (message) => {
  const seat = seats.getStore();
  seat?.onChild?.((message as { process: ChildProcess }).process);
  // Only the first child is git: a program that a reader of git's output starts is another one.
  if (seat) seat.onChild = null;
});

/**
 * Gives the child that `begin` starts to `onChild`. A storage that was used costs every promise of the process some time,
 * until it is disabled.
 */
async function seatChild(onChild: (child: ChildProcess) => void, begin: () => Promise<void>): Promise<void> {
  taken += 1;
  try {
    await seats.run({ onChild }, begin);
  } finally {
    taken -= 1;
    if (taken === 0) seats.disable();
  }
}

/** Rejects when simple-git starts no child. The child itself shows how it ends. */
async function start({ binary, path }: GitOptions, call: ChildCall): Promise<void> {
  const env = environment(path, call);
  await simpleGit({
    baseDir: "/", // The directory is never inside a repository.
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
    // simple-git takes a git that was killed, or failed silently, for a success, so its verdict is not used.
    errors: () => undefined,
  })
    .env(env)
    .raw(call.args);
}

function takePipes(child: ChildProcessWithoutNullStreams, call: ChildCall, plumbing: Plumbing): void {
  // simple-git would keep every byte until the end, 100 MiB of a stream of 100 MiB, so its listeners are
  // removed.
  for (const pipe of [child.stdout, child.stderr]) pipe.removeAllListeners("data");
  // git need not read its input.
  child.stdin.on("error", () => {});
  if (call.onProgress) child.stderr.on("data", progressLines(call.onProgress));
  plumbing.connect(child);
}

const LOWEST_PRIORITY = 19;

const nicenessOf = ({ urgency = "refresh" }: ChildCall): number =>
  Math.min(LOWEST_PRIORITY, getPriority() + NICENESS[urgency]);

/** Sets a priority that the children of git inherit. */
function lowerPriority(child: ChildProcess, niceness: number): void {
  try {
    setPriority(child.pid!, niceness);
  } catch {
    // The process has already ended.
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
