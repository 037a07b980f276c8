import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { mirrorPath } from "../../tools/mirror.js";
import { type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const HOUR_S = 3_600;

/** libfaketime changes what a program reads from the wall clock: https://github.com/wolfcw/libfaketime */
const LIBRARY = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."]
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));

/** Lockstep whose wall clock can be set while it runs; the stand-in keeps the right time, as GitHub does. */
async function start({ aheadS = 0 } = {}) {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const quiet = await standin.createRepository("acme", "quiet");
  const dataDir = tempDir();
  const clockFile = join(tempDir(), "clock");
  const setClockBy = (seconds: number) => writeFileSync(clockFile, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  setClockBy(aheadS);
  const run = async () => {
    const lockstep = await startLockstep({
      standin,
      dataDir,
      env: {
        ...{ API_TOKEN, INTERVAL: "10s", LD_PRELOAD: LIBRARY!, FAKETIME_TIMESTAMP_FILE: clockFile },
        ...{ FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" },
      },
    });
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  };
  return { standin, repo, quiet, dataDir, setClockBy, run, lockstep: await run() };
}

type Running = { standin: StandIn; repo: Repo; dataDir: string; lockstep: Lockstep };

/** Pushes, delivers unless the delivery is lost, and waits for the push in the mirror. */
async function arrives(
  { standin, repo, dataDir, lockstep }: Running,
  { isLost = false } = {},
): Promise<void> {
  const push = await standin.commit(repo, "main");
  if (!isLost) await standin.deliver(push, { to: lockstep.webhookUrl });
  const tip = () => plainGit(mirrorPath(dataDir, "acme", "app"), "rev-parse", "refs/heads/main").trim();
  await expect.poll(tip).toBe((await standin.tips(repo)).get("refs/heads/main"));
}

/** Every number that is negative, and every age that the page shows in the future. */
async function negativeIn({ lockstep }: Running): Promise<string[]> {
  const get = async (path: string) => (await lockstep.api(path)).text();
  const answers = ["status", "repos", "repos/acme/app", "repos/acme/app/refreshes", "queue"];
  const found: string[] = [];
  for (const path of answers)
    for (const [field] of (await get(`/api/v1/${path}`)).matchAll(/"\w*(?:Ms|age|Seconds)":-\d[\d.]*/gi))
      found.push(`${path}: ${field}`);
  const metrics = (await get("/metrics")).split("\n").filter((line) => /^lockstep_\S+ -/.test(line));
  return [...found, ...metrics];
}

const isFresh = (lockstep: Lockstep) =>
  expect
    .poll(async () => (await (await lockstep.api("/freshz")).json()) as object)
    .toMatchObject({ status: "fresh", problems: [] });

const dateOf = (lockstep: Lockstep) =>
  lockstep.api("/api/v1/status").then(({ headers }) => headers.get("date"));

test.skipIf(LIBRARY === undefined)(
  "a clock that is set back an hour, ahead a day and right again loses no push, and no age is negative",
  async () => {
    const running = await start();
    const { lockstep, setClockBy } = running;
    await isFresh(lockstep);
    const wrong: string[] = [];
    for (const seconds of [0, -HOUR_S, 24 * HOUR_S, 0]) {
      setClockBy(seconds);
      const offMs = async () => Date.parse((await dateOf(lockstep)) ?? "") - Date.now() - seconds * 1_000;
      await expect.poll(async () => Math.abs(await offMs())).toBeLessThan(5_000);
      // More reads than GitHub allows in a second.
      for (let n = 0; n < 9; n++) await arrives(running);
      await arrives(running, { isLost: true });
      wrong.push(...(await negativeIn(running)));
    }
    expect(wrong).toEqual([]);
    await isFresh(lockstep);
  },
);

test.skipIf(LIBRARY === undefined)(
  "what was stored while the clock was a day ahead neither counts as a proof nor delays anything, also after a restart",
  async () => {
    const running = await start({ aheadS: 24 * HOUR_S });
    await isFresh(running.lockstep);
    await arrives(running);
    const depth = async () =>
      ((await (await running.lockstep.api("/api/v1/status")).json()) as { queue: { depth: number } }).queue
        .depth;
    await expect.poll(depth).toBe(0);
    await running.lockstep.kill9();
    running.setClockBy(0);
    const startedAt = Date.now();
    const lockstep = await running.run();
    await isFresh(lockstep);
    const { repositories } = (await (await lockstep.api("/api/v1/repos")).json()) as {
      repositories: { lastFullAt: string }[];
    };
    for (const { lastFullAt } of repositories) {
      expect(Date.parse(lastFullAt)).toBeGreaterThan(startedAt - 1_000);
      expect(Date.parse(lastFullAt)).toBeLessThanOrEqual(Date.now());
    }
    await arrives({ ...running, lockstep });
    await arrives({ ...running, lockstep }, { isLost: true });
    expect(await negativeIn({ ...running, lockstep })).toEqual([]);
  },
);

test.skipIf(LIBRARY === undefined)(
  "a clock that is a month ahead deletes nothing, neither at once nor when it is right again",
  async () => {
    const { standin, quiet, dataDir, setClockBy, lockstep } = await start();
    await isFresh(lockstep);
    const get = async (path: string) =>
      (await (await lockstep.api(`/api/v1/${path}`)).json()) as Record<string, unknown>;
    const state = () => get("repos/acme/quiet");
    const lastReadAt = async () => ((await get("status")).deliveries as { lastReadAt: string }).lastReadAt;
    standin.removeRepository(quiet);
    await expect.poll(state).toMatchObject({ state: "gone" });
    const mirror = mirrorPath(dataDir, "acme", "quiet");
    for (const seconds of [30 * 24 * HOUR_S, 0]) {
      setClockBy(seconds);
      // Two passes of the backstop see the new time.
      for (let passes = 0; passes < 2; passes++) {
        const before = await lastReadAt();
        await expect.poll(lastReadAt).not.toBe(before);
      }
      expect(await state()).toMatchObject({ state: "gone" });
      expect(existsSync(mirror)).toBe(true);
    }
  },
);
