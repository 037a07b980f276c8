import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createGit } from "../../../src/git/run/exec.js";
import type { GitFailure } from "../../../src/git/run/failure.js";
import { createProcesses } from "../../../src/machine/processes.js";
import { bareRepository, isRunning, PATH, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";

const TIMEOUT = { timeoutMs: 600_000 };

/**
 * Starts a git server that accepts every request and answers none. @returns its URL and a promise of the
 * first request
 */
async function silentServer() {
  let heard = () => {};
  const asked = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const server = createServer(() => heard());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/b.git`, asked };
}

/** A zombie does not run any more, and only waits for init to read its exit code. */
test("answers with git's output", async () => {
  const { dir, commit } = bareRepository();
  const { stdout } = await realGit()({ args: ["rev-parse", "main"], gitDir: dir, ...TIMEOUT });
  expect(stdout.trim()).toBe(commit);
});

test.each(["plain", "a:b", ':"\\ c\n\u00e9:', '"'])(
  "objects are also read from a directory called %j",
  async (name) => {
    const { dir, commit } = bareRepository();
    const other = join(tempDir(), name);
    renameSync(join(dir, "objects"), other);
    mkdirSync(join(dir, "objects"));
    const call = { args: ["cat-file", "-t", commit], gitDir: dir, ...TIMEOUT };
    await expect(realGit()(call)).rejects.toThrow();
    expect((await realGit()({ ...call, alternate: other })).stdout).toBe("commit\n");
  },
);

test("a git that fails silently is a failure", async () => {
  const { dir } = bareRepository();
  const call = { args: ["show-ref", "--verify", "--quiet", "refs/heads/none"], gitDir: dir, ...TIMEOUT };
  await expect(realGit()(call)).rejects.toMatchObject({
    code: "git",
    message: /exited with 1: it said nothing/,
  });
  expect((await realGit()({ ...call, okCodes: [0, 1] })).code).toBe(1);
});

test("a git killed by a signal is a failure", async () => {
  const { url, asked } = await silentServer();
  const runDir = join(tempDir(), "run");
  const failing = realGit(runDir)({ args: ["ls-remote", url], gitDir: null, ...TIMEOUT });
  failing.catch(() => {});
  await asked;
  const [pid] = readdirSync(runDir);
  process.kill(Number(pid), "SIGKILL");
  await expect(failing).rejects.toMatchObject({ message: /killed by a signal/ });
  expect(readdirSync(runDir)).toEqual([]);
});

test("a slow git is ended at its deadline, and its children do not hold it up", async () => {
  const { url } = await silentServer();
  // Its child waits for an answer that never comes.
  const call = { args: ["ls-remote", url], gitDir: null, timeoutMs: 300 };
  await expect(realGit()(call)).rejects.toMatchObject({ code: "timeout" });
});

test("a git whose signal aborts is ended as cancelled", async () => {
  const { url, asked } = await silentServer();
  const abort = new AbortController();
  const running = realGit()({ args: ["ls-remote", url], gitDir: null, signal: abort.signal, ...TIMEOUT });
  running.catch(() => {});
  await asked;
  abort.abort();
  await expect(running).rejects.toMatchObject({ code: "cancelled" });
});

test("a missing git says what to do", async () => {
  const git = createGit({ binary: "no-such-git", path: PATH, processes: createProcesses(tempDir()) });
  await expect(git({ args: ["--version"], gitDir: null, ...TIMEOUT })).rejects.toMatchObject({
    code: "no_git",
    hint: /install git/,
  });
});

test("no configuration, hook or transport of the machine reaches it", async () => {
  const { dir } = bareRepository();
  const { stdout } = await realGit()({ args: ["config", "--list", "--show-scope"], gitDir: dir, ...TIMEOUT });
  expect(stdout).not.toMatch(/^(system|global)\t/m);
  expect(stdout).toMatch(/protocol\.allow=never/);
  expect(stdout).toMatch(/core\.hookspath=\/dev\/null/);
  const overFile = { args: ["ls-remote", `file://${dir}`], gitDir: null, ...TIMEOUT };
  await expect(realGit()(overFile)).rejects.toMatchObject({ message: /transport 'file' not allowed/ });
});

test("a git that outlives its parent's kill -9 is ended at the next start", async () => {
  const { url, asked } = await silentServer();
  const runDir = join(tempDir(), "run");
  const { spawn } = await import("node:child_process");
  const program = `
    import { createGit } from ${JSON.stringify(new URL("../../../lib/git/run/exec.js", import.meta.url).href)};
    import { createProcesses } from ${JSON.stringify(new URL("../../../lib/machine/processes.js", import.meta.url).href)};
    const processes = createProcesses(${JSON.stringify(runDir)});
    await createGit({ binary: "git", path: process.env.PATH, processes })(
      { args: ["ls-remote", ${JSON.stringify(url)}], gitDir: null, timeoutMs: 60000 });`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  await asked;
  parent.kill("SIGKILL");
  await new Promise((resolve) => parent.once("exit", resolve));
  const pid = Number(readdirSync(runDir)[0]);
  expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain("(git");

  expect(await createProcesses(runDir).endSurvivors()).toBeGreaterThanOrEqual(1);
  expect(isRunning(pid)).toBe(false);
  expect(readdirSync(runDir)).toEqual([]);
});

test("a pid that now belongs to another program is skipped", async () => {
  const runDir = tempDir();
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(runDir, String(process.pid)), "1");
  expect(await createProcesses(runDir).endSurvivors()).toBe(0);
});

test("of a git that floods its stderr, as a server can make it, the end is kept", async () => {
  const binary = join(tempDir(), "git");
  const flood = "head -c 40000000 /dev/zero | tr '\\0' x >&2";
  writeFileSync(binary, `#!/bin/sh\n${flood}\necho "fatal: not our ref ${"1".repeat(40)}" >&2\nexit 128\n`, {
    mode: 0o755,
  });
  const git = createGit({ binary, path: PATH, processes: createProcesses(join(tempDir(), "run")) });
  const failure = await git({ args: ["fetch"], gitDir: null, ...TIMEOUT }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "not_yet" });
  expect((failure as GitFailure).stderr.length).toBeLessThanOrEqual(2 ** 20);
  expect((failure as GitFailure).message.length).toBeLessThan(1_000);
});
