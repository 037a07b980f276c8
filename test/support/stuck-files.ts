import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type { TestModule, TestProject } from "vitest/node";
import { descendants } from "../../src/machine/process-table.js";

/** The longest file takes four minutes on two idle cores. */
const LIMIT_MS = 15 * 60_000;
const LOOK_EVERY_MS = 10_000;
/** A process that waits for a device of the kernel's does not end when it is killed. */
const KILL_LIMIT_MS = 60_000;

/**
 * Ends test files that hang, so that a run says which file it was, and ends. Vitest's time limits are timers of the
 * process that runs the file: they do not fire while that process waits for a program, or is stopped.
 */
export function setup(project: TestProject): (() => void) | undefined {
  if (process.platform !== "linux") return;
  const { state, logger } = project.vitest;
  const limitMs = Number(process.env.TEST_FILE_LIMIT_MS ?? LIMIT_MS);
  const firstSeen = new Map<number, number>();
  const ended = new Set<number>();

  function look(): void {
    const workers = descendants(process.pid).filter((pid) => commandOf(pid).includes("vitest/dist/workers"));
    for (const pid of firstSeen.keys()) if (!workers.includes(pid)) firstSeen.delete(pid);
    for (const pid of workers) {
      const since = firstSeen.get(pid) ?? performance.now();
      firstSeen.set(pid, since);
      const overMs = performance.now() - since - limitMs;
      if (overMs > 0 && !ended.has(pid)) end(pid);
      if (overMs > KILL_LIMIT_MS) giveUp(pid);
    }
  }

  /** Vitest counts the file of a process that has ended as failed. */
  function end(worker: number): void {
    ended.add(worker);
    const pids = [worker, ...descendants(worker)];
    logger.error(
      `A test file has taken more than ${limitMs / 60_000} min, and is ended. Under way are:`,
      ...state.getTestModules().flatMap(underWay),
      "\nIts processes:",
      ...pids.map((pid) => `\n  ${pid} ${stateOf(pid)} ${commandOf(pid)}`),
    );
    for (const pid of pids.reverse()) kill(pid);
  }

  function giveUp(worker: number): void {
    logger.error(`Process ${worker} cannot be killed, and the tests end without it: ${stateOf(worker)}`);
    process.exit(1);
  }

  const timer = setInterval(look, Math.min(LOOK_EVERY_MS, limitMs));
  timer.unref();
  return () => clearInterval(timer);
}

/** Lists the tests of a file that have begun and not ended; the file alone if it is not at a test. */
function underWay(module: TestModule): string[] {
  // A file that waits before it has told its tests is still in the queue.
  if (module.state() !== "pending" && module.state() !== "queued") return [];
  const file = `\n  ${relative("", module.moduleId)}`;
  const tests = [...module.children.allTests("pending")].filter((test) => test.diagnostic()?.startTime);
  return tests.length === 0 ? [file] : tests.map(({ fullName }) => `${file}: ${fullName}`);
}

/** @returns what proc(5) says of a process: its state, and where it waits in the kernel */
function stateOf(pid: number): string {
  const state = /^State:\t(\w)/m.exec(read(pid, "status"))?.[1] ?? "ended";
  return `${state} ${read(pid, "wchan")}`.trim();
}

const commandOf = (pid: number): string => read(pid, "cmdline").replaceAll("\0", " ").trim();

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return ""; // The process has ended.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
