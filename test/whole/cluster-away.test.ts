import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { startNodes, type TestNode } from "../support/nodes.js";

const MINUTES = 60_000;
const HOURS = 60 * MINUTES;

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

/** What the node has read of GitHub's log was read so much earlier. */
function goBack({ dataDir }: TestNode, ms: number): void {
  const db = new Database(join(dataDir, "lockstep.db"));
  const get = db.prepare("SELECT value FROM facts WHERE name = 'deliveries-read'");
  const progress = JSON.parse((get.get() as { value: string }).value) as { watermark: number };
  db.prepare("UPDATE facts SET value = ? WHERE name = 'deliveries-read'").run(
    JSON.stringify({ ...progress, watermark: progress.watermark - ms }),
  );
  db.close();
}

/** Starts two nodes, ends one of them, and returns what that one owns. */
async function loseNode() {
  const { cluster, repos, nodes } = await startNodes({ INTERVAL: "24h" }, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  await b.lockstep.stop();
  const lost = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  /** A push that GitHub could bring to nobody. */
  const pushUnheard = async (repo: Repo, agoMs: number) => {
    const pushed = await cluster.standin.commit(repo, "main");
    return (await cluster.standin.deliver(pushed, { deliveredAt: Date.now() - agoMs })).id;
  };
  return { cluster, repos, a, b, lost, pushUnheard };
}

const logReadAt = async ({ lockstep }: TestNode) => {
  const status = (await (await lockstep.api("/api/v1/status?node=self")).json()) as {
    deliveries: { lastReadAt: string | null };
  };
  return status.deliveries.lastReadAt;
};

const recoveredAt = async ({ lockstep }: TestNode, id: string) => {
  const answer = await lockstep.api(`/api/v1/deliveries/${id}`);
  return answer.ok ? ((await answer.json()) as { via: string }).via : answer.status;
};

test("an owner that was away for longer than readings of GitHub's log overlap goes back to its own last one", async () => {
  const { cluster, repos, a, b, lost, pushUnheard } = await loseNode();
  goBack(b, 3 * HOURS);
  const ids = [];
  for (const repo of lost) ids.push(await pushUnheard(repo, 2 * HOURS));
  // The nodes that are there have read all that is newer, several pages of it.
  for (let n = 0; n < 250; n++)
    await cluster.standin.deliverEvent("star", { action: "created" }, { deliveredAt: Date.now() - HOURS });
  const before = await logReadAt(a);
  expect((await a.lockstep.api("/api/v1/pass", { method: "POST" })).status).toBe(202);
  await until(() => logReadAt(a)).not.toBe(before);
  await b.restart();
  for (const id of ids) await until(() => recoveredAt(b, id)).toBe("recovered");
  await until(() => cluster.faults(repos)).toEqual([]);
});

test("an owner that was away for longer than GitHub keeps its log compares every repository", async () => {
  const { cluster, repos, b, lost, pushUnheard } = await loseNode();
  goBack(b, 10 * 24 * HOURS);
  const ids = [];
  for (const repo of lost) ids.push(await pushUnheard(repo, 9 * 24 * HOURS));
  await b.restart();
  await b.lockstep.waitForLog(({ event }) => event === "delivery_log_gap");
  await until(() => cluster.faults(repos)).toEqual([]);
  for (const id of ids) expect(await recoveredAt(b, id)).toBe(404);
});
