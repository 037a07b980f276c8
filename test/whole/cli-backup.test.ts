import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

async function world() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const dataDir = tempDir();
  const repo = await standin.createRepository("acme", "app");
  const env = { API_TOKEN: "token-of-the-tests-0123456789" };
  const start = async () => {
    const lockstep = await startLockstep({ standin, dataDir, env });
    onTestFinished(async () => void (await lockstep.stop()));
    return lockstep;
  };
  const backups = tempDir();
  const run = (...args: string[]) => cli({ DATA_DIR: dataDir }, ...args);
  return { standin, dataDir, repo, start, backups, run };
}

const stateOf = async (lockstep: Lockstep): Promise<{ state: string; pausedAt: string | null }> =>
  (await (await lockstep.api("/api/v1/repos/acme/app")).json()) as { state: string; pausedAt: string | null };

const until = (lockstep: Lockstep, state: string) =>
  expect.poll(async () => (await stateOf(lockstep)).state).toBe(state);

test("a backup of a running Lockstep, restored, brings back its state and loses no mirror", async () => {
  const { dataDir, start, backups, run } = await world();
  const first = await start();
  await until(first, "fresh");
  await first.api("/api/v1/repos/acme/app/pause", { method: "POST" });
  const made = await run("backup", backups);
  expect(made).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/, 1 repository\n$/) });
  const [name = ""] = readdirSync(backups);
  expect(name).toMatch(/^lockstep-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.db$/);
  expect(statSync(join(backups, name)).mode & 0o777).toBe(0o600);

  await first.api("/api/v1/repos/acme/app/resume", { method: "POST" });
  const refused = await run("restore-backup", backups);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("a running Lockstep uses") });
  await first.stop();
  const restored = await run("restore-backup", backups, "--json");
  expect(restored.code).toBe(0);
  expect(existsSync((JSON.parse(restored.out) as { replaced: string }).replaced)).toBe(true);

  const second = await start();
  await until(second, "paused");
  await second.api("/api/v1/repos/acme/app/resume", { method: "POST" });
  await until(second, "fresh");
  expect(second.log.filter(({ result }) => result === "cloned")).toEqual([]);
  expect(existsSync(join(dataDir, "lockstep.db.new"))).toBe(false);
});

test("into an empty DATA_DIR a backup is restored, and every repository is cloned", async () => {
  const { dataDir, start, backups, run } = await world();
  const first = await start();
  await until(first, "fresh");
  await run("backup", backups);
  await first.stop();
  rmSync(dataDir, { recursive: true });
  expect(await run("restore-backup", join(backups, readdirSync(backups)[0]!))).toMatchObject({ code: 0 });
  const second = await start();
  await until(second, "fresh");
  expect(second.log.filter(({ result }) => result === "cloned")).toHaveLength(1);
});

test("what is no sound backup is refused, and the present state stays", async () => {
  const { dataDir, start, backups, run } = await world();
  const first = await start();
  await until(first, "fresh");
  await run("backup", backups);
  await first.stop();
  const [name = ""] = readdirSync(backups);
  const before = statSync(join(dataDir, "lockstep.db")).ino;
  const file = join(backups, name);
  truncateSync(file, statSync(file).size - 8192);
  const text = join(backups, "notes.txt");
  writeFileSync(text, "no database\n".repeat(100));
  const empty = tempDir();
  for (const [path, message] of [
    [file, /is (damaged|no backup)/],
    [text, /is no backup/],
    [join(backups, "missing.db"), /does not exist/],
    [empty, /has no file lockstep-<time>\.db/],
  ] as const)
    expect(await run("restore-backup", path)).toMatchObject({ code: 1, err: expect.stringMatching(message) });
  expect(statSync(join(dataDir, "lockstep.db")).ino).toBe(before);
  expect(readdirSync(dataDir).filter((entry) => /\.new|replaced/.test(entry))).toEqual([]);
});

test("without a state there is nothing to back up", async () => {
  const { backups, run } = await world();
  expect(await run("backup", backups)).toMatchObject({
    code: 1,
    err: expect.stringContaining("does not exist"),
  });
  expect(readdirSync(backups)).toEqual([]);
});
