import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "libsql";
import { expect, onTestFinished, test } from "vitest";
import { ZERO } from "../../src/base/model.js";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { flawOf, release, startReaders } from "../support/readers.js";
import { readEvents } from "../support/sse.js";
import type { Shown } from "../support/state.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const GRACE_MS = 3_000;

async function server(CHECKOUTS: string) {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  await standin.commit(repo, "main", { files: release(0) });
  const dataDir = tempDir();
  const env = { API_TOKEN, INTERVAL: "off", CHECKOUTS, CHECKOUT_GRACE: `${GRACE_MS}ms` };
  const start = async () => {
    const lockstep = await startLockstep({ standin, dataDir, env });
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  };
  const base = join(dataDir, "repos", String(repo.id), "trees", "@");
  return { standin, repo, dataDir, start, base, link: join(dataDir, "checkouts", "acme", "app") };
}

const shows = async (lockstep: Lockstep, sha: string): Promise<void> => {
  const path = `/api/v1/repos/acme/app/contains/${sha}?in=checkout&wait=60s`;
  expect((await lockstep.api(path)).status).toBe(200);
};

/** The published tree's events are one chain, whatever was killed. @returns the chain's end */
async function toldOf(lockstep: Lockstep): Promise<string> {
  const tip = ((await (await lockstep.api("/api/v1/repos/acme/app")).json()) as Shown).checkouts[0].commit;
  let last = ZERO;
  await readEvents(await lockstep.api("/api/v1/events?after=0"), (messages) => {
    for (const { before, after } of messages.splice(0).flatMap(({ data }) => data!.checkouts)) {
      expect(before).toBe(last);
      last = after;
    }
    return last === tip;
  });
  return last;
}

/** Lists the trees in the ledger. */
function treesInLedger(dataDir: string): number[] {
  const db = new Database(join(dataDir, "lockstep.db"), { readonly: true });
  try {
    const rows = db.prepare("SELECT n FROM trees ORDER BY n").all() as { n: number }[];
    return rows.map(({ n }) => n);
  } finally {
    db.close();
  }
}

test.each([
  { checkouts: "acme/*", publishes: 80, kills: 8 },
  { checkouts: "acme/*?filter=blob:none", publishes: 40, kills: 8 },
])(
  "$checkouts: ten readers, $publishes publishes, $kills kills: no mixed tree, no missing tree, no leftovers",
  async (given) => {
    const { standin, repo, dataDir, start, base, link } = await server(given.checkouts);
    let lockstep = await start();
    await lockstep.waitForLog((line) => line.event === "published");
    const readers = startReaders(link, 10, GRACE_MS);
    for (let n = 1; n <= given.publishes; n++) {
      const push = await standin.commit(repo, "main", { files: release(n) });
      await standin.deliver(push, { to: lockstep.webhookUrl });
      if (n % (given.publishes / given.kills) === 0) {
        // The kill comes between the delivery and the end of its refresh, or shortly after.
        await sleep(Math.random() * 250);
        await lockstep.kill9();
        lockstep = await start();
      }
      await shows(lockstep, push.after);
      expect(await flawOf(realpathSync(link))).toBeNull();
    }
    await readers.stop();
    expect(readers.flaws).toEqual([]);
    expect(readers.reads).toBeGreaterThan(given.publishes / 10);
    expect(await toldOf(lockstep)).toBe((await standin.tips(repo)).get("refs/heads/main"));
    await lockstep.stop();
    const there = readdirSync(base);
    const trees = there.filter((name) => /^\d+$/.test(name)).map(Number);
    expect(trees.sort((a, b) => a - b)).toEqual(treesInLedger(dataDir));
    expect(there.filter((name) => name.endsWith(".lock") || name.startsWith("tmp"))).toEqual([]);
    for (const n of trees) expect(existsSync(join(base, `${n}.index`))).toBe(true);
  },
  600_000,
);
