import { expect, test } from "vitest";
import { copyAsLaterVersion } from "../../tools/cluster/later-version.js";
import type { Repo } from "../../tools/standin/index.js";
import { aliveBy, createCluster, type TestNode } from "../support/nodes.js";
import { tempDir } from "../support/temp.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

const problemsOf = async ({ lockstep }: TestNode) => {
  const { problems } = (await (await lockstep.api("/api/v1/status?node=self")).json()) as {
    problems: { code: string }[];
  };
  return problems.map(({ code }) => code);
};

const versionsAt = async ({ lockstep }: TestNode) => {
  const { nodes } = (await (await lockstep.api("/api/v1/nodes")).json()) as {
    nodes: { name: string; version: string | null }[];
  };
  return Object.fromEntries(nodes.map(({ name, version }) => [name, version]));
};

test("nodes of two versions work together; a job that only the later one reads waits for its upgrade", async () => {
  const later = tempDir();
  copyAsLaterVersion(later, "99.0.0");
  const cluster = await createCluster({ INTERVAL: "24h" });
  const { standin } = cluster;
  const repos = await standin.createRepositories(
    standin.createInstallation("acme"),
    Array.from({ length: 8 }, (_, n) => `r${n}`),
  );
  const [a, b] = await Promise.all([cluster.start("a"), cluster.start("b")]);
  const areReady = async () => {
    await until(() => cluster.faults(repos)).toEqual([]);
    for (const node of [a, b]) await until(() => aliveBy(node)).toBe(2);
  };
  await areReady();
  const of = (name: string) => repos.filter((repo) => cluster.ownersOf(repo)[0] === name);
  const push = async (some: readonly Repo[], to: TestNode) => {
    for (const repo of some) {
      const one = await standin.commit(repo, "main");
      // A node that cannot pass a delivery on within a second answers 503, and GitHub may send it again.
      await until(() => cluster.deliver(one, to)).toBe(202);
    }
  };
  const upgrade = async (node: TestNode) => {
    await node.lockstep.stop();
    await node.restart({}, later);
    await areReady();
  };

  // Node by node: each reads what the other writes.
  await upgrade(b);
  await until(() => versionsAt(a)).toEqual({ a: expect.not.stringMatching("99"), b: "99.0.0" });
  await push(of("a"), b);
  await push(of("b"), a);
  await until(() => cluster.faults(repos)).toEqual([]);
  await until(() => problemsOf(a)).toEqual([]);

  // Then both write what only the later version reads, and one goes back to the earlier one.
  await upgrade(a);
  await until(() => versionsAt(b)).toEqual({ a: "99.0.0", b: "99.0.0" });
  await a.lockstep.stop();
  await push(of("a"), b);
  const jobs = `lockstep:${standin.appId}:deliveries-a`;
  await until(() => cluster.redis.client.llen(`${jobs}:wait`)).toBe(of("a").length);
  await a.restart();
  await until(() => problemsOf(a)).toContain("deliveries_of_later_version");
  expect((await fetch(`${a.lockstep.url}/freshz`)).status).toBe(503);
  await until(() => cluster.redis.client.zcard(`${jobs}:delayed`)).toBe(of("a").length);

  await upgrade(a);
  await until(() => cluster.redis.client.zcard(`${jobs}:delayed`)).toBe(0);
  await push(of("a"), b);
  await until(() => cluster.faults(repos)).toEqual([]);
  await until(() => problemsOf(a)).toEqual([]);
});
