import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { descendants, processesWith, startTime } from "../../machine/process-table.js";
import { GRACE_MS, terminateAll } from "../../machine/terminate.js";
import type { Pipes } from "./pipes.js";

/**
 * A git that the starter has started, or is about to. It looks like a ChildProcess of node:child_process, as far as
 * Lockstep uses one: the events are `spawn`, `exit`, `close` and `error`.
 */
export class StartedGit extends EventEmitter {
  pid: number | undefined;
  stdin: Socket | null = null;
  stdout: Socket | null = null;
  stderr: Socket | null = null;
  stdio: Socket[] = [];
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  #startedAt: string | null = null;
  #open = 0;
  #hasEnded = false;

  /**
   * @param mark an entry of git's environment, and of nobody else's
   * @param signal asks the starter, since the pid may be another program's once git has ended
   */
  constructor(
    private readonly mark: string,
    private readonly signal: (name: NodeJS.Signals) => void,
  ) {
    super();
  }

  /** @returns whether git was running */
  kill(name: NodeJS.Signals = "SIGTERM"): boolean {
    if (this.pid === undefined || this.#hasEnded) return false;
    this.signal(name);
    return true;
  }

  connect({ streams }: Pipes): void {
    this.stdio = streams;
    [this.stdin, this.stdout, this.stderr] = streams;
    for (const pipe of [this.stdout, this.stderr]) {
      this.#open += 1;
      // git has closed its end, and nothing is written to this one.
      pipe!.once("end", () => pipe!.destroy());
      pipe!.once("close", () => {
        this.#open -= 1;
        this.#close();
      });
    }
  }

  spawned(pid: number): void {
    this.pid = pid;
    this.#startedAt = startTime(pid);
    this.emit("spawn");
  }

  failed(error: Error): void {
    this.#hasEnded = true;
    for (const pipe of this.stdio) pipe.destroy();
    this.emit("error", error);
  }

  /** @param code null: a signal ended git */
  ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.exitCode = code;
    this.signalCode = signal;
    this.stdin?.destroy();
    this.emit("exit", code, signal);
    this.#close();
  }

  /**
   * The starter has died, so nobody hears how this git ends. It is ended before its caller hears of it, because the
   * caller's next git may write where this one does.
   */
  async orphaned(): Promise<void> {
    if (this.#hasEnded) return;
    for (const pipe of this.stdio) pipe.destroy();
    if (this.pid === undefined) {
      // Without pipes git was not even asked for.
      if (this.stdio.length > 0) await endMarked(this.mark);
      return this.failed(new Error("the process that starts git has ended"));
    }
    const isRunning = this.#startedAt !== null && startTime(this.pid) === this.#startedAt;
    if (isRunning) await terminateAll([this.pid, ...descendants(this.pid)], { graceMs: GRACE_MS });
    this.ended(null, "SIGKILL");
  }

  #close(): void {
    if (this.#hasEnded && this.#open === 0) this.emit("close", this.exitCode, this.signalCode);
  }
}

/** In milliseconds. The first look misses a process that has forked and not called exec yet. */
const LOOKS_AFTER = [0, 100];

async function endMarked(mark: string): Promise<void> {
  for (const waitMs of LOOKS_AFTER) {
    await delay(waitMs);
    await terminateAll(processesWith(mark), { graceMs: GRACE_MS });
  }
}

/** @returns the same object, for what takes a child process of Node's and uses no more than `StartedGit` has */
export const asChild = (git: StartedGit): ChildProcess => git as unknown as ChildProcess;
