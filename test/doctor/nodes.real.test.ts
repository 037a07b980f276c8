import { expect, test } from "vitest";
import { checkNodes, judgeNodes } from "../../src/doctor/nodes.js";
import { startMember, TEST_CLUSTER, TEST_SECRET, type TestMember } from "../support/cluster-node.js";
import { startRedis } from "../support/redis.js";

const SETTINGS = {
  name: TEST_CLUSTER,
  secret: TEST_SECRET,
  redisUrl: "",
  replicas: 1,
  nodeName: "a",
} as const;
const detailsOf = (found: { detail: string }[]) => found.map(({ detail }) => detail);

async function check(node: TestMember, settings: Partial<typeof SETTINGS> | { secret: string } = {}) {
  return checkNodes(node.redis, { ...SETTINGS, ...settings }, Date.now);
}

test("the doctor hears the nodes that are alive, and tells those that are silent", async () => {
  const redis = await startRedis();
  const [asking, a, b] = [
    await startMember({ name: "asking", url: redis.url }),
    await startMember({ name: "a", url: redis.url, version: "1.0.0" }),
    await startMember({ name: "b", url: redis.url, version: "1.0.0" }),
  ];
  expect(detailsOf(await check(asking))).toEqual([
    "none has been here yet: this will be the first of the cluster",
  ]);
  await a.start();
  await b.start();
  expect(await check(asking)).toEqual([
    { about: "nodes", level: "ok", detail: "a, b: the same version and settings" },
  ]);
  // A node that lives on would forget the other one after NODE_TIMEOUT, which is short here.
  await Promise.all([a.kill(), b.kill()]);
  expect(await check(asking)).toMatchObject([{ level: "warn", detail: "no sign of life from a, b" }]);
});

test("the doctor tells nodes with another version, other REPLICAS or another secret", async () => {
  const redis = await startRedis();
  const nodes = [
    await startMember({ name: "a", url: redis.url, version: "1.0.0" }),
    await startMember({ name: "b", url: redis.url, version: "1.1.0", says: { replicas: 2 } }),
  ];
  for (const node of nodes) await node.start();
  expect(detailsOf(await check(nodes[0]!))).toEqual([
    "versions differ: 1.0.0 at a, 1.1.0 at b",
    "REPLICAS is 1 here, and 2 at b",
  ]);
  const [forged] = await check(nodes[0]!, { secret: "another secret of another cluster" });
  expect(forged).toMatchObject({ level: "warn", detail: "2 in Redis cannot be verified" });
});

test("a node with a clock that is a minute off is named", () => {
  const beat = { name: "b", id: "b", epoch: "b", count: 1, weight: 1, url: null, leaving: false, format: 1 };
  const judge = (at: number) =>
    judgeNodes({ alive: [{ ...beat, at }], silent: [], forged: 0 }, { replicas: 1 }, 1_000_000);
  expect(judge(1_000_000 - 2_000)[0]?.level).toBe("ok");
  expect(judge(1_000_000 + 61_000)[0]).toMatchObject({
    level: "warn",
    detail: expect.stringMatching(/clock.*b$/),
  });
});
