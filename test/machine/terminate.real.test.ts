import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { closePipesAfterExit, terminate } from "../../src/machine/terminate.js";
import { isRunning } from "../support/git.js";

/** The time is enough for a shell to clean up on a busy machine. */
const LONG_MS = 20_000;
const SHORT_MS = 300;

/** @returns a shell that runs the script, and the numbers on the script's first line of output */
async function shell(script: string, options: { detached?: boolean } = {}) {
  const child = spawn("/bin/sh", ["-c", script], { stdio: "pipe", ...options });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, pids: line.toString().trim().split(" ").map(Number) };
}

/** Ends a process that no shell ends when the test ends. */
function endWithTest(pid: number): void {
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, "SIGKILL");
  });
}

async function outputOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, "close");
  return text;
}

test.each(["descendants", "group"] as const)(
  "one that ends on SIGTERM clears up first: %s",
  async (reach) => {
    const script = "trap 'echo cleared; exit 7' TERM; echo 0; while :; do sleep 0.05; done";
    const { child } = await shell(script, { detached: true });
    const output = outputOf(child);
    await terminate(child, { reach, graceMs: LONG_MS });
    expect(child.exitCode).toBe(7);
    expect(await output).toBe("cleared\n");
  },
);

test.each(["descendants", "group"] as const)(
  "one that ignores SIGTERM is killed after the grace: %s",
  async (reach) => {
    const { child } = await shell("trap '' TERM; echo 0; while :; do sleep 0.05; done", { detached: true });
    await terminate(child, { reach, graceMs: SHORT_MS });
    expect(child.signalCode).toBe("SIGKILL");
  },
);

test("children and grandchildren end with a process, even if they ignore SIGTERM", async () => {
  const below = "trap '' TERM; sleep 600 & echo $$ $!; wait";
  const { child, pids } = await shell(`sh -c "${below.replaceAll("$", "\\$")}" & wait`);
  expect(pids.map(isRunning)).toEqual([true, true]);
  await terminate(child, { reach: "descendants", graceMs: SHORT_MS });
  expect(pids.map(isRunning)).toEqual([false, false]);
});

test("processes of the group that have lost their parent end with it", async () => {
  const { child, pids } = await shell('echo $(sh -c "sleep 600 >&- & echo \\$!"); wait; sleep 600', {
    detached: true,
  });
  expect(isRunning(pids[0]!)).toBe(true);
  await terminate(child, { reach: "group", graceMs: LONG_MS });
  // The kernel ends the process shortly after the signal.
  await expect.poll(() => isRunning(pids[0]!)).toBe(false);
});

test("a child that has ended is not waited for; the rest of its group gets SIGTERM", async () => {
  const { child, pids } = await shell("sleep 600 & echo $!", { detached: true });
  endWithTest(pids[0]!);
  if (child.exitCode === null) await once(child, "exit");
  await terminate(child, { reach: "descendants" });
  expect(isRunning(pids[0]!)).toBe(true);
  // The pipes stay open for as long as the rest of the group runs.
  const closed = once(child, "close");
  await terminate(child, { reach: "group" });
  await closed;
  await expect.poll(() => isRunning(pids[0]!)).toBe(false);
});

/** Calls back with a child that is not spawned yet. */
function beforeItIsSpawned(act: (child: ChildProcess) => void): void {
  const early = (message: unknown) => {
    unsubscribe("child_process", early);
    act((message as { process: ChildProcess }).process);
  };
  subscribe("child_process", early);
}

test("a child that is not spawned yet is ended as soon as it is spawned", async () => {
  let ended: Promise<void> | undefined;
  let pid: number | undefined = 0;
  beforeItIsSpawned((child) => {
    pid = child.pid;
    ended = terminate(child, { reach: "descendants", graceMs: LONG_MS });
  });
  const child = spawn("sleep", ["600"]);
  expect(pid).toBeUndefined();
  await ended;
  expect(child.signalCode).toBe("SIGTERM");
});

test("a child that cannot be spawned counts as ended", async () => {
  const child = spawn("no-such-program");
  child.on("error", () => {});
  await terminate(child, { reach: "group" });
  expect(child.pid).toBeUndefined();
});

test("a grandchild that holds the pipes is not waited for", async () => {
  const { child, pids } = await shell("sleep 600 & echo $!");
  endWithTest(pids[0]!);
  closePipesAfterExit(child, { graceMs: SHORT_MS });
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  expect(isRunning(pids[0]!)).toBe(true);
});

test("pipes stay open while a reader still reads them", async () => {
  const { child, pids } = await shell("sleep 600 & echo $!");
  endWithTest(pids[0]!);
  const asked: boolean[] = [];
  const isBusy = () => {
    asked.push(child.stdout.destroyed);
    return asked.length < 3;
  };
  closePipesAfterExit(child, { isBusy, graceMs: SHORT_MS });
  await once(child, "close");
  expect(asked).toEqual([false, false, false]);
});

test("a child that closes its pipes itself leaves no timer behind", async () => {
  const child = spawn("true");
  let asked = 0;
  closePipesAfterExit(child, { isBusy: () => ++asked > 0, graceMs: 50 });
  await once(child, "close");
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, SHORT_MS));
  expect(asked).toBe(before);
});
