import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { descendants, isRunning, startTime } from "./process-table.js";

/**
 * The time from SIGTERM, on which git removes its locks, to SIGKILL; and from a child's exit to the closing
 * of its pipes.
 */
export const GRACE_MS = 2_000;

/**
 * How long Lockstep waits for a process that was sent SIGKILL: the kernel may keep the process waiting for a
 * disk.
 */
const KILLED_BY_MS = 5_000;
const POLL_MS = 10;

export interface TerminateOptions {
  /**
   * What ends with the child. `descendants` is everything that the child has started, as /proc lists it.
   * `group` is the process group that the child leads, including processes that have lost their parent.
   */
  reach: "descendants" | "group";
  graceMs?: number;
}

/**
 * The one ladder sends SIGTERM to the child and its descendants, and SIGKILL after the grace period. A child
 * that is not spawned yet is ended as soon as it is spawned. The promise resolves when none of them runs.
 */
export async function terminate(child: ChildProcess, options: TerminateOptions): Promise<void> {
  const { reach, graceMs = GRACE_MS } = options;
  if (child.pid === undefined && !(await hasSpawned(child))) return;
  const pid = child.pid!;
  const send = reach === "group" ? signalGroup : (_: number, name: NodeJS.Signals) => child.kill(name);
  // The leader has ended, so its group only gets SIGTERM, and Lockstep does not wait for the group.
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
 * The ladder for processes that are not children of this process. Children are signalled first: a parent that
 * sees its child end cleans up and ends too. The promise resolves when none of them runs.
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

/** Signals every process of the group that `leader` leads or led. */
export function signalGroup(leader: number, name: NodeJS.Signals): void {
  signalOne(-leader, name);
}

function signalOne(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended by itself in the meantime.
  }
}

export interface PipesOptions {
  /** While `isBusy` is true, the output is still being read slowly, and the pipes stay open. */
  isBusy?: () => boolean;
  graceMs?: number;
}

/**
 * The last step of the ladder closes a child's pipes some time after its exit, even when the child ended by
 * itself. A grandchild may hold the pipes open for as long as it lives, and Lockstep does not wait for that.
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
