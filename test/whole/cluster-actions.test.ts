import { join } from "node:path";
import { expect, test } from "vitest";
import { refsInFiles } from "../../tools/refs-in-files.js";
import type { Repo } from "../../tools/standin/index.js";
import { startNodes, type TestNode } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

const pathOf = ({ owner, name }: Repo) => `/api/v1/repos/${owner}/${name}`;
const post = ({ lockstep }: TestNode, path: string, body: unknown = {}) =>
  lockstep.api(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

interface Shown {
  state: string;
  kept: { name: string; sha: string }[];
  holds: { ref: string; tip: string; wanted: string }[];
}

/** With REPLICAS=2 each of two nodes has everything, and answers itself. */
const at = async ({ lockstep }: TestNode, repo: Repo) =>
  (await (await lockstep.api(pathOf(repo))).json()) as Shown;
const tipOf = ({ dataDir }: TestNode, { id }: Repo) =>
  refsInFiles(join(dataDir, "repos", String(id), "mirror.git"))?.get("refs/heads/main");

async function twoOwners(env: Record<string, string> = {}) {
  const { cluster, repos, nodes } = await startNodes({ REPLICAS: "2", ...env }, "a", "b");
  return { cluster, repo: repos[0]!, nodes, a: nodes[0]!, b: nodes[1]! };
}

test("a pause counts at every owner, and the latest word at one that was away", async () => {
  const { repo, nodes, a, b } = await twoOwners();
  expect((await post(a, `${pathOf(repo)}/pause`)).status).toBe(200);
  for (const node of nodes) await until(() => at(node, repo)).toMatchObject({ state: "paused" });
  await b.lockstep.stop();
  expect((await post(a, `${pathOf(repo)}/resume`)).status).toBe(202);
  await until(() => at(a, repo)).toMatchObject({ state: "fresh" });
  await b.restart();
  await until(() => at(b, repo)).toMatchObject({ state: "fresh" });
});

test("what is allowed or restored at one owner is so at the other", async () => {
  const { cluster, repo, nodes, a, b } = await twoOwners({ HISTORY: "block" });
  const { after: lost } = await cluster.standin.commit(repo, "main");
  for (const node of nodes) {
    await post(node, `${pathOf(repo)}/refresh?wait=60s`);
    await until(() => tipOf(node, repo)).toBe(lost);
  }
  const forced = await cluster.standin.forcePush(repo, "main", { orphan: true });
  await cluster.deliver(forced, a);
  for (const node of nodes)
    await until(() => at(node, repo)).toMatchObject({ holds: [{ tip: lost, wanted: forced.after }] });
  expect((await post(b, `${pathOf(repo)}/allow?wait=60s`, { ref: "refs/heads/main" })).status).toBe(200);
  for (const node of nodes) {
    await until(() => tipOf(node, repo)).toBe(forced.after);
    await until(() => at(node, repo)).toMatchObject({ state: "fresh", kept: [{ sha: lost }] });
  }
  const [{ name: kept }] = (await at(a, repo)).kept as [Shown["kept"][number]];
  expect((await post(a, `${pathOf(repo)}/restore?wait=60s`, { kept })).status).toBeLessThan(500);
  for (const node of nodes) await until(() => tipOf(node, repo)).toBe(lost);
});
