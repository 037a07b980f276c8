import { expect, test, vi } from "vitest";
import { receiver, SECRET } from "../support/consumers.js";
import { startNodes, type TestNode } from "../support/nodes.js";

const MINUTES = 60_000;
vi.setConfig({ testTimeout: 6 * MINUTES });

interface Status {
  announce: { pending: number }[];
}

/** Waits until no node has anything left to tell. */
async function allTold(nodes: readonly TestNode[]): Promise<void> {
  for (const { lockstep } of nodes)
    await expect
      .poll(
        async () => ((await (await lockstep.api("/api/v1/status")).json()) as Status).announce[0]?.pending,
        {
          timeout: 3 * MINUTES,
        },
      )
      .toBe(0);
}

test("with REPLICAS=2 a URL hears of a push once, and also of what the first owner could not tell any more", async () => {
  const { url, got } = await receiver();
  const announce = { REPLICAS: "2", ANNOUNCE_URLS: url, ANNOUNCE_SECRET: SECRET };
  const { cluster, repos, nodes } = await startNodes(announce, "a", "b");
  const heardOf = (after: string) =>
    got.filter(({ event }) => event.changes.some((it) => it.after === after));
  const pushes = [];
  for (const repo of repos) {
    const push = await cluster.standin.commit(repo, "main");
    await cluster.deliver(push, nodes[0]!);
    pushes.push(push);
  }
  // Both owners have brought every push; one of them has told of it.
  for (const { after } of pushes)
    await expect.poll(() => heardOf(after).length, { timeout: MINUTES }).toBe(1);
  await expect.poll(() => cluster.faults(repos), { timeout: MINUTES }).toEqual([]);
  await allTold(nodes);

  const [first] = cluster.ownersOf(repos[0]!);
  const [dies, stays] = [cluster.node(first!), nodes.find(({ name }) => name !== first)!];
  await dies.lockstep.kill9();
  const late = await cluster.standin.commit(repos[0]!, "main");
  await cluster.deliver(late, stays);
  await expect.poll(() => heardOf(late.after).length, { timeout: 3 * MINUTES }).toBe(1);
  await allTold([stays]);
  for (const { after } of pushes) expect(heardOf(after)).toHaveLength(1);
});
