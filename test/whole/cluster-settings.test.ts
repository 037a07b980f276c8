import { expect, test } from "vitest";
import { cli } from "../support/cli.js";
import { startNodes, type TestNode, TOKEN } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

const settingsOf = async ({ lockstep }: TestNode) => (await lockstep.api("/api/v1/cluster")).json();
const run = ({ lockstep }: TestNode, ...args: string[]) =>
  cli({ LOCKSTEP_URL: lockstep.url, API_TOKEN: TOKEN }, ...args);

test("REPLICAS and pins are set once for all nodes, also for one that is away meanwhile", async () => {
  const { cluster, repos, nodes } = await startNodes({}, "a", "b", "c");
  const [a, b, c] = [nodes[0]!, nodes[1]!, nodes[2]!];
  await c.lockstep.stop();
  const done = await run(a, "nodes", "replicas", "all");
  expect(done.out).toContain("each repository has all owners from now on");
  expect(done.out).toContain("not heard of it yet: c");
  await c.restart();
  for (const node of [b, c])
    await until(() => settingsOf(node)).toMatchObject({ version: 1, replicas: "all" });
  await until(() => cluster.faults(repos, () => ["a", "b", "c"])).toEqual([]);

  const repo = repos.find((it) => cluster.ownersOf(it)[0] !== "c")!;
  await run(b, "nodes", "replicas", "1");
  await run(b, "nodes", "pin", `${repo.owner}/${repo.name}`, "c");
  for (const node of nodes)
    await until(() => settingsOf(node)).toMatchObject({ replicas: 1, pins: [{ id: repo.id, node: "c" }] });
  const push = await cluster.standin.commit(repo, "main");
  await cluster.deliver(push, a);
  await until(() => cluster.faults([repo], () => ["c"])).toEqual([]);
  const refused = await run(a, "nodes", "pin", `${repo.owner}/${repo.name}`, "z");
  expect(refused.err).toContain("there is no such node");
  await run(a, "nodes", "unpin", `${repo.owner}/${repo.name}`);
  await until(() => settingsOf(c)).toMatchObject({ pins: [] });
});
