import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createGit } from "../../../src/git/run/exec.js";
import { openPipePool } from "../../../src/git/starter/pipes.js";
import { createStarter } from "../../../src/git/starter/supervise.js";
import { createProcesses } from "../../../src/machine/processes.js";
import { isRunning, PATH, stuckGit } from "../../support/git.js";
import { startedStarter } from "../../support/starter.js";
import { tempDir } from "../../support/temp.js";

const T = { timeoutMs: 60_000 };
const VERSION = { args: ["--version"], gitDir: null, ...T };

test("gits of a starter that was killed end, and fail; the next ones run without it, then with a new one", async () => {
  const { binary, begun } = stuckGit("log");
  const { options, starter, warnings, running } = await startedStarter();
  const stuck = createGit({ ...options, binary })({ args: ["log"], gitDir: null, ...T });
  const failed = stuck.catch((error: unknown) => error);
  const below = await begun();
  await expect.poll(running).toHaveLength(1);
  const [git] = running();
  const first = starter.pid()!;
  process.kill(first, "SIGKILL");
  expect(await failed).toMatchObject({ code: "git", retry: { kind: "backoff" } });
  expect([first, git!, below].map(isRunning)).toEqual([false, false, false]);
  expect(starter.pid()).toBeNull();
  expect((await createGit(options)(VERSION)).stdout).toMatch(/^git version/);
  await expect.poll(() => starter.pid()).not.toBeNull();
  expect(starter.pid()).not.toBe(first);
  expect((await createGit(options)(VERSION)).stdout).toMatch(/^git version/);
  expect(warnings).toMatchObject([{ event: "git_starter_ended", reason: "SIGKILL" }]);
  expect(running()).toEqual([]);
});

test("a git is ended although the starter died before it could tell of it", async () => {
  const dir = tempDir();
  const binary = join(dir, "git");
  writeFileSync(binary, `#!/bin/sh\necho $$ > ${dir}/pid\nkill -9 $PPID\nexec sleep 600\n`, { mode: 0o755 });
  const { options } = await startedStarter();
  const failing = createGit({ ...options, binary })({ args: ["log"], gitDir: null, ...T });
  await expect(failing).rejects.toMatchObject({ code: "git" });
  expect(isRunning(Number(readFileSync(join(dir, "pid"), "utf8")))).toBe(false);
});

test("starts that wait when the starter dies fail, and hang nowhere", async () => {
  const { options, starter } = await startedStarter();
  const git = createGit(options);
  const all = Array.from({ length: 50 }, () =>
    git(VERSION).then(
      () => "answered",
      () => "failed",
    ),
  );
  process.kill(starter.pid()!, "SIGKILL");
  expect((await Promise.all(all)).every((end) => ["answered", "failed"].includes(end))).toBe(true);
});

test("signals of a terminal do not end the starter", async () => {
  const { options, starter } = await startedStarter();
  const pid = starter.pid()!;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
  expect((await createGit(options)(VERSION)).stdout).toMatch(/^git version/);
  expect(starter.pid()).toBe(pid);
});

test("a close ends the starter and its gits, and leaves no socket", async () => {
  const { binary, begun } = stuckGit("log");
  const { options, starter, running, sockets } = await startedStarter();
  const stuck = createGit({ ...options, binary })({ args: ["log"], gitDir: null, ...T });
  const failed = stuck.catch((error: unknown) => error);
  const below = await begun();
  await expect.poll(running).toHaveLength(1);
  const [git] = running();
  const pid = starter.pid()!;
  await starter.close();
  await failed;
  expect([pid, git!, below].map(isRunning)).toEqual([false, false, false]);
  expect(sockets()).toEqual([]);
});

test("a starter that is closed while it comes up leaves nothing", async () => {
  const dir = tempDir();
  const starter = createStarter({ warn: () => {} }, dir);
  await starter.close();
  expect(readdirSync(dir)).toEqual([]);
});

test("a kill -9 of Lockstep ends the starter, and leaves no socket; the next start ends git", async () => {
  const { binary, begun } = stuckGit("log");
  const [dir, runDir] = [tempDir(), tempDir()];
  const built = (name: string) => JSON.stringify(new URL(`../../../lib/${name}.js`, import.meta.url).href);
  const program = `
    import { createGit } from ${built("git/run/exec")};
    import { createStarter } from ${built("git/starter/supervise")};
    import { createProcesses } from ${built("machine/processes")};
    const starter = createStarter(console, ${JSON.stringify(dir)});
    await starter.ready();
    console.log(starter.pid());
    const processes = createProcesses(${JSON.stringify(runDir)});
    const git = createGit({ binary: ${JSON.stringify(binary)}, path: process.env.PATH, processes, starter });
    await git({ args: ["log"], gitDir: null, timeoutMs: 60000 });`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env: { PATH },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const starter = Number(line.toString());
  const below = await begun();
  await expect.poll(() => readdirSync(runDir).length).toBe(1);
  const git = Number(readdirSync(runDir)[0]);
  parent.kill("SIGKILL");
  await expect.poll(() => isRunning(starter)).toBe(false);
  expect(readdirSync(dir)).toEqual([]);
  expect([git, below].map(isRunning)).toEqual([true, true]);
  expect(await createProcesses(runDir).endSurvivors()).toBe(2);
  expect([git, below].map(isRunning)).toEqual([false, false]);
});

test("a connection without the token is closed, and is no git's", async () => {
  const pool = await openPipePool(tempDir(), { onReady: () => expect.unreachable(), onLost: () => {} });
  const socket = connect(pool.path);
  socket.write(Buffer.alloc(37, "x"));
  socket.resume();
  await once(socket, "close");
  pool.close();
  expect(existsSync(join(pool.path, ".."))).toBe(false);
});

test("the starter sees nothing of Lockstep's environment", async () => {
  const { starter } = await startedStarter();
  expect(readFileSync(`/proc/${starter.pid()}/environ`, "utf8")).toBe("");
});
