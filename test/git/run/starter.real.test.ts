import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { NICENESS, type Urgency } from "../../../src/git/run/child.js";
import { createGit } from "../../../src/git/run/exec.js";
import { createStreamGit } from "../../../src/git/run/stream.js";
import { bareRepository, isRunning, PATH, realGit, stuckGit } from "../../support/git.js";
import { startedStarter } from "../../support/starter.js";
import { tempDir } from "../../support/temp.js";

const T = { timeoutMs: 60_000 };
const MiB = 2 ** 20;
const SECRET = "secret-of-a-header";

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** Makes a repository with one blob. @returns the call that prints the blob */
function blobOf(content: Buffer) {
  const { dir } = bareRepository();
  const args = ["-c", "core.compression=1", "hash-object", "-w", "--stdin"];
  const blob = execFileSync("git", args, { input: content, env: { PATH, GIT_DIR: dir }, encoding: "utf8" });
  return { args: ["cat-file", "blob", blob.trim()], gitDir: dir, ...T };
}

/** Writes a script that takes git's place. */
function gitOf(script: string): string {
  const binary = join(tempDir(), "git");
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return binary;
}

test("a git of the starter answers as a git of this process does", async () => {
  const { options, running } = await startedStarter();
  const { dir } = bareRepository();
  const calls = [
    { args: ["for-each-ref"], gitDir: dir, ...T },
    { args: ["cat-file", "--batch-check"], gitDir: dir, input: "main\nnone\n", ...T },
    { args: ["config", "--list", "--show-scope"], gitDir: dir, config: { "http.extraHeader": "é\n" }, ...T },
    { args: ["show-ref", "--verify", "--quiet", "refs/heads/none"], gitDir: dir, okCodes: [0, 1], ...T },
  ];
  for (const call of calls) expect(await createGit(options)(call)).toEqual(await realGit()(call));
  const failing = { args: ["rev-parse", "--verify", "none"], gitDir: dir, ...T };
  const own = await realGit()(failing).catch((error: unknown) => error);
  await expect(createGit(options)(failing)).rejects.toEqual(own);
  expect(running()).toEqual([]);
});

test("a slow reader gets 100 MiB, and git waits for it", async () => {
  const content = Buffer.alloc(100 * MiB, randomBytes(997));
  const call = blobOf(content);
  const { options, running } = await startedStarter();
  const { stdout, done } = createStreamGit(options)(call);
  await once(stdout, "readable");
  const [pid] = running();
  // No event says that a process sleeps: proc(5).
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toMatch(/ S /);
  const hash = createHash("sha256");
  for await (const chunk of stdout as AsyncIterable<Buffer>) hash.update(chunk);
  expect(hash.digest("hex")).toBe(sha256(content));
  expect(await done).toBe(0);
});

test("git reads 10 MB of input and its end", async () => {
  const content = randomBytes(10_000_000);
  const { options } = await startedStarter();
  const call = { args: ["hash-object", "--stdin"], gitDir: bareRepository().dir, ...T };
  const expected = (await realGit()({ ...call, input: content })).stdout;
  expect((await createGit(options)({ ...call, input: content })).stdout).toBe(expected);
  const { stdout } = createStreamGit(options)({
    ...call,
    input: Readable.from([content.subarray(0, 7), content.subarray(7)]),
  });
  expect((await stdout.toArray()).join("")).toBe(expected);
});

test("a reader that goes away, and an input that is not read, end no other git", async () => {
  const call = blobOf(randomBytes(4 * MiB));
  const { options, running } = await startedStarter();
  const { stdout, done } = createStreamGit(options)(call);
  for await (const _ of stdout) break;
  await expect(done).rejects.toMatchObject({ code: "cancelled" });
  const unread = createGit({ ...options, binary: gitOf("exec 0<&-; echo out") });
  expect(await unread({ args: ["log"], gitDir: null, input: Buffer.alloc(MiB), ...T })).toMatchObject({
    stdout: "out\n",
  });
  expect(running()).toEqual([]);
});

test("git gets SIGPIPE when its output is closed early", async () => {
  const { starter } = await startedStarter();
  const env = { PATH };
  const git = starter.start({ file: "sh", args: ["-c", "exec cat /dev/zero"], env, nice: 0 })!;
  await once(git, "spawn");
  git.stderr!.resume();
  git.stdout!.once("data", () => git.stdout!.destroy());
  expect(await once(git, "close")).toEqual([null, "SIGPIPE"]);
});

test("a missing git is no_git, and one that may not be run as well", async () => {
  const { options } = await startedStarter();
  const missing = createGit({ ...options, binary: "no-such-git" });
  await expect(missing({ args: ["--version"], gitDir: null, ...T })).rejects.toMatchObject({
    code: "no_git",
  });
  const binary = join(tempDir(), "git");
  writeFileSync(binary, "#!/bin/sh\n", { mode: 0o644 });
  const forbidden = createGit({ ...options, binary });
  await expect(forbidden({ args: ["log"], gitDir: null, ...T })).rejects.toMatchObject({ code: "no_git" });
  await expect(
    createGit(options)({ args: ["log", "x".repeat(4 * MiB)], gitDir: null, ...T }),
  ).rejects.toThrow(/E2BIG/);
});

test("a git without descriptors left is out_of_resources", async () => {
  const { options, starter } = await startedStarter();
  execFileSync("prlimit", ["--pid", String(starter.pid()), "--nofile=0"]);
  const failing = createGit(options)({ args: ["--version"], gitDir: null, ...T });
  await expect(failing).rejects.toMatchObject({ code: "out_of_resources" });
});

test("a git that does not end is ended at its deadline, with what it started", async () => {
  const { binary, begun } = stuckGit("log");
  const { options, running } = await startedStarter();
  const abort = new AbortController();
  const stuck = createGit({ ...options, binary })({
    args: ["log"],
    gitDir: null,
    signal: abort.signal,
    ...T,
  });
  stuck.catch(() => {});
  const below = await begun();
  await expect.poll(running).toHaveLength(1);
  const [pid] = running();
  abort.abort();
  await expect(stuck).rejects.toMatchObject({ code: "cancelled" });
  expect([pid!, below].map(isRunning)).toEqual([false, false]);
  const late = createGit({ ...options, binary })({ args: ["log"], gitDir: null, timeoutMs: 200 });
  await expect(late).rejects.toMatchObject({ code: "timeout" });
  expect(running()).toEqual([]);
});

test.each([true, false])(
  "git gives way to this process, by how urgent it is (starter: %s)",
  async (isStarted) => {
    const { options } = await startedStarter();
    const starter = isStarted ? options.starter : null;
    const git = createGit({ ...options, starter, binary: gitOf("cat > /dev/null; nice") });
    const call = { args: ["gc"], gitDir: null, ...T };
    const priorityOf = async (urgency?: Urgency) =>
      Number((await git({ ...call, ...(urgency && { urgency }) })).stdout);
    const below = (steps: number) => Math.min(19, getPriority() + steps);
    expect(await priorityOf()).toBe(below(NICENESS.refresh));
    expect(await priorityOf("clone")).toBe(below(NICENESS.clone));
    expect(await priorityOf("background")).toBe(19);
  },
);

test("what git is told is in no argument of the starter's and in no file", async () => {
  const { options, starter, sockets } = await startedStarter();
  const binary = gitOf(`env | grep -c ${SECRET}; ls -l /proc/$$/fd | grep -c socket`);
  const config = { "http.extraHeader": SECRET };
  const { stdout } = await createGit({ ...options, binary })({ args: ["x"], gitDir: null, config, ...T });
  // git has the three streams, and not the starter's own connection.
  expect(stdout).toBe("1\n3\n");
  for (const file of ["cmdline", "environ"])
    expect(readFileSync(`/proc/${starter.pid()}/${file}`, "utf8")).not.toMatch(/secret|token/i);
  expect(sockets().filter((name) => !/^lockstep-git-\w+(\/s)?$/.test(name))).toEqual([]);
});

test("200 gits at once all answer, and 300 leave no descriptor open", async () => {
  const { options, starter, running } = await startedStarter();
  const git = createGit(options);
  const { dir, commit } = bareRepository();
  const call = { args: ["rev-parse", "main"], gitDir: dir, ...T };
  const open = () => [process.pid, starter.pid()].map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  for (let n = 0; n < 20; n += 1) await git(call);
  const before = open();
  const answers = await Promise.all(Array.from({ length: 200 }, () => git(call)));
  expect(new Set(answers.map(({ stdout }) => stdout.trim()))).toEqual(new Set([commit]));
  for (let n = 0; n < 100; n += 1) await git(call);
  // Half of the pipes that wait may be missing at any time.
  await expect.poll(() => open().every((count, n) => count <= before[n]! + 12)).toBe(true);
  expect(running()).toEqual([]);
});
