import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { descendants, isRunning, startTime } from "./process-table.js";

/** From SIGTERM, on which git removes its locks, to SIGKILL; and from a child's exit to the end of its pipes. */
export const GRACE_MS = 2_000;

/** How long a process that was sent SIGKILL is waited for: the kernel may have it wait for a disk. */
const KILLED_BY_MS = 5_000;
const POLL_MS = 10;

export interface TerminateOptions {
  /**
   * What ends with the child: everything it has started, as /proc has it, or the process group
   * that it leads, which also holds what has lost its parent.
   */
  reach: "descendants" | "group";
  graceMs?: number;
}

/**
 * The one ladder: SIGTERM to the child and what it has started, and after the grace SIGKILL. A child
 * that is not spawned yet is ended as soon as it is. Resolves when none of them runs.
 */
export async function terminate(child: ChildProcess, options: TerminateOptions): Promise<void> {
  const { reach, graceMs = GRACE_MS } = options;
  if (child.pid === undefined && !(await hasSpawned(child))) return;
  const pid = child.pid!;
  const send = reach === "group" ? signalGroup : (_: number, name: NodeJS.Signals) => child.kill(name);
  // What a leader that has ended left of its group is told to end, and not waited for.
  if (hasExited(child)) return reach === "group" ? signalGroup(pid, "SIGTERM") : undefined;
  const below = reach === "descendants" ? terminateAll(descendants(pid), { graceMs }) : null;
  send(pid, "SIGTERM");
  const hard = setTimeout(send, graceMs, pid, "SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  clearTimeout(hard);
  if (reach === "group") signalGroup(pid, "SIGKILL");
  await below;
}

const hasExited = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

const hasSpawned = (child: ChildProcess): Promise<boolean> =>
  new Promise((resolve) => {
    child.once("spawn", () => resolve(true));
    child.once("error", () => resolve(false));
  });

/**
 * The ladder for processes that are nobody's children here. Children are signalled first: a parent that
 * sees its child end clears up and ends too. Resolves when none of them runs.
 * @param pids parents before their children
 * @param graceMs 0: no SIGTERM
 */
export async function terminateAll(pids: number[], { graceMs }: { graceMs: number }): Promise<void> {
  const started = new Map(pids.toReversed().map((pid) => [pid, startTime(pid)]));
  const left = () =>
    [...started].filter(([pid, at]) => at !== null && isRunning(pid, at)).map(([pid]) => pid);
  const ended = async (withinMs: number) => {
    for (let waited = 0; waited < withinMs && left().length > 0; waited += POLL_MS) await delay(POLL_MS);
  };
  if (graceMs > 0) for (const pid of left()) signalOne(pid, "SIGTERM");
  await ended(graceMs);
  for (const pid of left()) signalOne(pid, "SIGKILL");
  await ended(KILLED_BY_MS);
}

/** Signals every process of the group that `leader` leads, or led. */
export function signalGroup(leader: number, name: NodeJS.Signals): void {
  signalOne(-leader, name);
}

function signalOne(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself meanwhile.
  }
}

export interface PipesOptions {
  /** What has been written is still being taken, slowly: its pipes stay open that long. */
  isBusy?: () => boolean;
  graceMs?: number;
}

/**
 * The last step of the ladder, for a child that ends by itself as well: some time after its exit its
 * pipes are closed. A grandchild may hold them open for as long as it lives, and nobody waits for that.
 */
export function closePipesAfterExit(child: ChildProcess, options: PipesOptions = {}): void {
  const { isBusy = () => false, graceMs = GRACE_MS } = options;
  const close = () => {
    const timer = setInterval(() => {
      if (isBusy()) return;
      clearInterval(timer);
      for (const pipe of child.stdio) pipe?.destroy();
    }, graceMs);
    timer.unref();
    child.once("close", () => clearInterval(timer));
  };
  if (hasExited(child)) close();
  else child.once("exit", close);
}
