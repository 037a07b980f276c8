import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCluster, type TestCluster, type TestNode } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

async function withRepositories({ standin }: TestCluster, count: number) {
  const installation = standin.createInstallation("acme");
  const names = Array.from({ length: count }, (_, n) => `r${n}`);
  return standin.createRepositories(installation, names);
}

const hasMirror = ({ dataDir }: TestNode, id: number) =>
  existsSync(join(dataDir, "repos", String(id), "mirror.git"));

test("two nodes divide the repositories, and a push to either reaches the owner", async () => {
  const cluster = await createCluster();
  const repos = await withRepositories(cluster, 12);
  const [a, b] = [await cluster.start("a"), await cluster.start("b")];
  await until(() => cluster.faults(repos)).toEqual([]);
  // The first node had every repository, and sets aside what the second one has.
  await until(async () => {
    const { repositories } = (await (await a.lockstep.api("/api/v1/status?node=self")).json()) as {
      repositories: Record<string, number>;
    };
    return repositories.fresh;
  }).toBe(repos.filter((repo) => cluster.ownersOf(repo).includes("a")).length);
  for (const repo of repos) {
    const owner = cluster.ownersOf(repo)[0]!;
    if (owner === "a") expect(hasMirror(b, repo.id)).toBe(false);
    for (const node of [a, b])
      expect(await cluster.deliver(await cluster.standin.commit(repo, "main"), node)).toBe(202);
  }
  await until(() => cluster.faults(repos)).toEqual([]);
});
