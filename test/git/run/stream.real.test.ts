import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { createStreamGit } from "../../../src/git/run/stream.js";
import { createProcesses } from "../../../src/machine/processes.js";
import { bareRepository, isRunning, PATH, stuckGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";

const T = { timeoutMs: 600_000 };
const MiB = 2 ** 20;
/** The pipe holds 64 KiB, and two streams of Node hold the rest. */
const MOST_AHEAD = 512 * 1024;
/** The wait is longer than the pipes of an ended git stay open without a reader. */
const OVER_GRACE_MS = 2_500;

/** @returns the streaming run, and the pids of the gits that run */
function streaming({ binary = "git" } = {}) {
  const runDir = join(tempDir(), "run");
  const git = createStreamGit({ binary, path: PATH, processes: createProcesses(runDir) });
  return { git, running: () => readdirSync(runDir).map(Number) };
}

async function until(isTrue: () => boolean): Promise<void> {
  // No event says that a process sleeps or has ended elsewhere: proc(5).
  await expect.poll(isTrue).toBe(true);
}

/** Makes a repository with one blob of the given size in bytes. */
function blobOf(bytes: number) {
  const { dir } = bareRepository();
  const content = Buffer.alloc(bytes, "0123456789abcde\n");
  const args = ["-c", "core.compression=1", "hash-object", "-w", "--stdin"];
  const blob = execFileSync("git", args, { input: content, env: { PATH, GIT_DIR: dir }, encoding: "utf8" });
  return { dir, content, call: { args: ["cat-file", "blob", blob.trim()], gitDir: dir, ...T } };
}

/** Writes a script that takes git's place. */
function gitOf(script: string): string {
  const binary = join(tempDir(), "git");
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return binary;
}

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** Returns the number of bytes that a process has written: proc(5). */
const writtenBy = (pid: number): number =>
  Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))![1]);

const isAsleep = (pid: number): boolean => / S /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

function memoryInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

test("git is as fast as its reader, and nothing is kept", async () => {
  const { call, content } = blobOf(48 * MiB);
  const { git, running } = streaming();
  const { stdout, done } = git(call);
  await once(stdout, "readable");
  const [pid] = running();
  await until(() => isAsleep(pid!));
  expect(writtenBy(pid!)).toBeLessThan(MOST_AHEAD);

  const before = memoryInUse();
  const hash = createHash("sha256");
  let read = 0;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    hash.update(chunk);
    const last = Math.floor(read / (8 * MiB));
    read += chunk.length;
    if (Math.floor(read / (8 * MiB)) === last || read >= 48 * MiB) continue;
    await until(() => isAsleep(pid!));
    expect(writtenBy(pid!)).toBeLessThan(read + MOST_AHEAD);
    // The engine frees unreachable memory in the background.
    await expect.poll(() => memoryInUse() - before).toBeLessThan(4 * MiB);
  }
  expect(hash.digest("hex")).toBe(sha256(content));
  expect(await done).toBe(0);
  expect(running()).toEqual([]);
});

test("an abort in the middle ends git and what it has started", async () => {
  const { binary, begun } = stuckGit("log");
  const { git, running } = streaming({ binary });
  const abort = new AbortController();
  const { stdout, done } = git({ args: ["log"], gitDir: null, signal: abort.signal, ...T });
  const below = await begun();
  const [pid] = running();
  expect([pid!, below].map(isRunning)).toEqual([true, true]);
  abort.abort();
  await expect(done).rejects.toMatchObject({ code: "cancelled", message: "git log was cancelled" });
  expect([pid!, below].map(isRunning)).toEqual([false, false]);
  expect(running()).toEqual([]);
  await expect(text(stdout)).rejects.toMatchObject({ code: "cancelled" });
});

test("the reader of the output gets the error of an abort", async () => {
  const { call } = blobOf(4 * MiB);
  const { git, running } = streaming();
  const abort = new AbortController();
  const { stdout } = git({ ...call, signal: abort.signal });
  const reading = (async () => {
    for await (const _ of stdout) abort.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: "cancelled" });
  await until(() => running().length === 0);
});

test("a call whose signal has aborted starts nothing", async () => {
  const { git } = streaming();
  const { done } = git({ args: ["--version"], gitDir: null, signal: AbortSignal.abort(), ...T });
  await expect(done).rejects.toMatchObject({ code: "cancelled", message: /was not started/ });
});

test("an abort before git is spawned ends it as well", async () => {
  const { git, running } = streaming();
  const abort = new AbortController();
  const { done } = git({ args: ["cat-file", "--batch"], gitDir: null, signal: abort.signal, ...T });
  abort.abort();
  await expect(done).rejects.toMatchObject({ code: "cancelled" });
  expect(running()).toEqual([]);
});

test("git is ended at its deadline, also when it waits for its reader", async () => {
  const { call } = blobOf(4 * MiB);
  const { git, running } = streaming();
  const { stdout, done } = git({ ...call, timeoutMs: 1_000 });
  await once(stdout, "readable");
  await expect(done).rejects.toMatchObject({ code: "timeout", message: /was stopped after 1000 ms/ });
  expect(running()).toEqual([]);
  expect(stdout.errored).toMatchObject({ code: "timeout" });
});

test("git is ended when its reader goes away", async () => {
  const { call } = blobOf(4 * MiB);
  const { git, running } = streaming();
  const { stdout, done } = git(call);
  for await (const _ of stdout) break;
  await expect(done).rejects.toMatchObject({ code: "cancelled", message: /its reader/ });
  expect(running()).toEqual([]);
});

test("git is ended when its reader goes away while git says nothing", async () => {
  const { binary, begun } = stuckGit("log");
  const { git } = streaming({ binary });
  const { stdout, done } = git({ args: ["log"], gitDir: null, ...T });
  const below = await begun();
  stdout.destroy();
  await expect(done).rejects.toMatchObject({ code: "cancelled" });
  expect(isRunning(below)).toBe(false);
});

test("a failure has its name from stderr, and the output does not look whole", async () => {
  const { dir, commit } = bareRepository();
  const object = join(dir, "objects", commit.slice(0, 2), commit.slice(2));
  rmSync(object);
  const { git } = streaming();
  const { stdout, done } = git({ args: ["rev-list", "--all"], gitDir: dir, ...T });
  const failure = { code: "corrupt", message: /git rev-list exited with 128: / };
  await expect(text(stdout)).rejects.toMatchObject(failure);
  await expect(done).rejects.toMatchObject(failure);
});

test("of a long stderr the end is kept", async () => {
  const binary = gitOf("head -c 1000000 /dev/zero >&2; echo 'fatal: not a git repository' >&2; exit 128");
  const { git } = streaming({ binary });
  const { done } = git({ args: ["log"], gitDir: null, ...T });
  const error = await done.catch((reason) => reason);
  expect(error).toMatchObject({ code: "corrupt", stderr: /fatal: not a git repository$/ });
  expect(error.stderr.length).toBeLessThanOrEqual(64 * 1024);
});

test.each<[string, (content: Buffer) => Readable | Buffer | string]>([
  ["a stream", (content) => Readable.from([content.subarray(0, 5), content.subarray(5)])],
  ["a buffer", (content) => content],
  ["a string", (content) => content.toString()],
])("stdin is taken from %s", async (_, inputOf) => {
  const { dir } = bareRepository();
  const content = Buffer.alloc(3 * MiB, "line\n");
  const { git } = streaming();
  const input = inputOf(content);
  const { stdout, done } = git({ args: ["hash-object", "--stdin"], gitDir: dir, input, ...T });
  const name = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  expect(await text(stdout)).toBe(`${name}\n`);
  expect(await done).toBe(0);
});

test("without an input stdin is empty", async () => {
  const { git } = streaming();
  const { stdout } = git({ args: ["hash-object", "--stdin"], gitDir: bareRepository().dir, ...T });
  expect(await text(stdout)).toBe("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n");
});

test("questions and answers go back and forth while git runs", async () => {
  const { dir, commit } = bareRepository();
  const input = new PassThrough();
  const { git } = streaming();
  const { stdout, done } = git({ args: ["cat-file", "--batch-check"], gitDir: dir, input, ...T });
  for (const [asked, answer] of [
    ["main", `${commit} commit `],
    ["none", "none missing\n"],
  ]) {
    input.write(`${asked}\n`);
    const [chunk] = await once(stdout, "data");
    expect(String(chunk)).toContain(answer);
  }
  input.end();
  expect(await done).toBe(0);
});

test("git is ended when its input goes away before its end", async () => {
  const { dir } = bareRepository();
  const input = new PassThrough();
  const { git, running } = streaming();
  const { done } = git({ args: ["cat-file", "--batch-check"], gitDir: dir, input, ...T });
  await until(() => running().length === 1);
  input.destroy(new Error("the client has hung up"));
  await expect(done).rejects.toMatchObject({ code: "cancelled", message: /its input/ });
  expect(running()).toEqual([]);
});

test("git need not read its input, which stays its owner's", async () => {
  const input = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(MiB);
    })(),
  );
  const { git } = streaming();
  const { stdout, done } = git({ args: ["--version"], gitDir: null, input, ...T });
  expect(await text(stdout)).toMatch(/^git version/);
  expect(await done).toBe(0);
  expect(input.destroyed).toBe(false);
  input.destroy();
});

test("an expected exit code is an answer", async () => {
  const { git } = streaming();
  const args = ["show-ref", "--verify", "--quiet", "refs/heads/none"];
  const call = { args, gitDir: bareRepository().dir, ...T };
  const { stdout, done } = git({ ...call, okCodes: [0, 1] });
  expect(await text(stdout)).toBe("");
  expect(await done).toBe(1);
  await expect(git(call).done).rejects.toMatchObject({
    code: "git",
    message: /exited with 1: it said nothing/,
  });
});

test("a missing git says what to do", async () => {
  const { git } = streaming({ binary: "no-such-git" });
  const { done } = git({ args: ["--version"], gitDir: null, ...T });
  await expect(done).rejects.toMatchObject({ code: "no_git", hint: /install git/ });
});

test("a streaming run sees as little of the machine as the collecting run", async () => {
  const { git } = streaming();
  const args = ["config", "--list", "--show-scope"];
  const { stdout } = git({ args, gitDir: bareRepository().dir, ...T });
  const list = await text(stdout);
  expect(list).not.toMatch(/^(system|global)\t/m);
  expect(list).toMatch(/protocol\.allow=never/);
});

test("a slow reader gets all that git wrote before it ended", async () => {
  const { call, content } = blobOf(150_000);
  const { git, running } = streaming();
  const { stdout, done } = git(call);
  await once(stdout, "readable");
  await until(() => running().length === 0);
  await sleep(OVER_GRACE_MS);
  expect(sha256(await buffer(stdout))).toBe(sha256(content));
  expect(await done).toBe(0);
});

test("a grandchild that holds the pipes is not waited for", async () => {
  const mark = join(tempDir(), "pid");
  const { git } = streaming({ binary: gitOf(`sleep 600 & echo $! > ${mark}; echo out`) });
  const { stdout, done } = git({ args: ["log"], gitDir: null, ...T });
  onTestFinished(() => void process.kill(Number(readFileSync(mark, "utf8")), "SIGKILL"));
  expect(await text(stdout)).toBe("out\n");
  expect(await done).toBe(0);
});

test("no process and no descriptor is left, however it ends", async () => {
  const { call } = blobOf(MiB);
  const { git, running } = streaming();
  const open = () => readdirSync("/proc/self/fd").length;
  await git({ args: ["--version"], gitDir: null, ...T }).done;
  const before = open();
  for (let n = 0; n < 5; n += 1) {
    await buffer(git(call).stdout);
    await git({ ...call, timeoutMs: 1 }).done.catch(() => {});
    const gone = git(call);
    gone.stdout.destroy();
    await gone.done.catch(() => {});
    await git({ args: ["cat-file", "blob", "none"], gitDir: call.gitDir, ...T }).done.catch(() => {});
    const input = new PassThrough();
    const cut = git({ args: ["cat-file", "--batch"], gitDir: call.gitDir, input, ...T });
    input.destroy();
    await cut.done.catch(() => {});
  }
  expect(running()).toEqual([]);
  await until(() => open() <= before);
});
