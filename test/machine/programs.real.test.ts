import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProcesses } from "../../src/machine/processes.js";
import { createPrograms, type ProgramCall } from "../../src/machine/programs.js";
import { isRunning } from "../support/git.js";
import { tempDir } from "../support/temp.js";

/** Runs a script as an operator's program is run. */
function program(script: string, options: Partial<ProgramCall> = {}) {
  const runDir = join(tempDir(), "run");
  const result = createPrograms(createProcesses(runDir))({
    file: "/bin/sh",
    args: ["-c", script],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    timeoutMs: 600_000,
    maxOutputBytes: 1_000,
    signal: new AbortController().signal,
    ...options,
  });
  return { result, runDir };
}

test("a run returns the exit code, and the output on stdout and stderr", async () => {
  const { result, runDir } = program("cat; echo err >&2; exit 3", { input: "in\n" });
  expect(await result).toEqual({ code: 3, signal: null, timedOut: false, output: "in\nerr\n" });
  expect(readdirSync(runDir)).toEqual([]);
});

test("of much output the last bytes are kept", async () => {
  const script = 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done';
  const { output } = await program(script, { maxOutputBytes: 18 }).result;
  expect(output).toBe("ine 2998\nline 2999\n".slice(-18));
});

test("a program that is cancelled before its start is ended, and has not timed out", async () => {
  const { result } = program("sleep 600", { signal: AbortSignal.abort() });
  expect(await result).toMatchObject({ code: null, signal: "SIGTERM", timedOut: false });
});

test("a program that takes too long is ended", async () => {
  const { result } = program("sleep 600", { timeoutMs: 300 });
  expect(await result).toMatchObject({ code: null, signal: "SIGTERM", timedOut: true });
});

test("what a program leaves running ends with the program when it must be alone", async () => {
  const { output } = await program("sleep 600 >&- 2>&- & echo $!", { alone: true }).result;
  // The kernel ends the process shortly after the signal.
  await expect.poll(() => isRunning(Number(output))).toBe(false);
});

test("a missing program fails with the system's error", async () => {
  const { result } = program("", { file: "/no/such/program", signal: AbortSignal.abort() });
  await expect(result).rejects.toMatchObject({ code: "ENOENT" });
});

test("a program that floods its output without end is ended in time, and only the last bytes are kept", async () => {
  const before = process.memoryUsage().arrayBuffers;
  const { result } = program("trap '' TERM; exec yes", { timeoutMs: 500 });
  let peak = 0;
  const sampling = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }, 5);
  const { code, timedOut, output } = await result;
  clearInterval(sampling);
  expect([code, timedOut]).toEqual([null, true]);
  expect(output.length).toBeLessThanOrEqual(1_000);
  expect(peak).toBeLessThan(200 * 2 ** 20);
});
