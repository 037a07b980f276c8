import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { cli } from "../support/cli.js";
import { startNodes, type TestCluster, type TestNode, TOKEN } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

async function clusterOf(env: Record<string, string>, ...names: string[]) {
  const { cluster, repos, nodes } = await startNodes(env, ...names);
  for (const { lockstep } of nodes)
    await until(async () => (await listed(lockstep)).nodes.length).toBe(nodes.length);
  return { cluster, repos, nodes };
}

interface Listed {
  nodes: { name: string; state: string; owned: number; kept: number | null; isDrained: boolean }[];
}
const listed = async (lockstep: TestNode["lockstep"]) =>
  (await (await lockstep.api("/api/v1/nodes")).json()) as Listed;

const post = ({ lockstep }: TestNode, path: string, init: RequestInit = {}) =>
  lockstep.api(path, { method: "POST", ...init });

const pathOf = ({ owner, name }: Repo) => `/api/v1/repos/${owner}/${name}`;

async function pushed({ standin }: TestCluster, repo: Repo) {
  const push = await standin.commit(repo, "main");
  return push.after;
}

test("every node answers for every repository, and lets in whom it knows", async () => {
  const { cluster, repos, nodes } = await clusterOf({}, "a", "b");
  for (const repo of repos)
    for (const node of nodes) {
      const response = await node.lockstep.api(pathOf(repo));
      expect([response.status, await response.json()]).toEqual([
        200,
        expect.objectContaining({ id: repo.id }),
      ]);
      // A commit that no delivery has reported: the wait refreshes the mirror where it is.
      const sha = await pushed(cluster, repo);
      expect((await node.lockstep.api(`${pathOf(repo)}/contains/${sha}?wait=60s`)).status).toBe(200);
      expect((await post(node, `${pathOf(repo)}/refresh?wait=60s`)).status).toBe(200);
      const refused = await node.lockstep.api(pathOf(repo), { headers: { authorization: "Bearer wrong" } });
      expect(refused.status).toBe(401);
    }
  const [a] = nodes as [TestNode, TestNode];
  const body = JSON.stringify({ name: "ci", scopes: ["read"], repositories: ["acme/r0", "acme/r1"] });
  const made = await post(a, "/api/v1/tokens", { body, headers: { "content-type": "application/json" } });
  const { secret } = (await made.json()) as { secret: string };
  for (const repo of repos) {
    const limited = { headers: { authorization: `Bearer ${secret}` } };
    const isSeen = repo.name === "r0" || repo.name === "r1";
    expect((await a.lockstep.api(pathOf(repo), limited)).status).toBe(isSeen ? 200 : 404);
    expect((await post(a, `${pathOf(repo)}/pause`, limited)).status).toBe(403);
  }
});

test("the page of a node lists all nodes, with their shares, what they keep and their backlog", async () => {
  const { nodes } = await clusterOf({}, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  const { tab } = await openTab();
  await signIn(tab, `${a.lockstep.url}/server`, TOKEN);
  const table = tab.getByRole("table", { name: "2 nodes; each repository is on one of them" });
  const cells = async () => {
    const texts = await table.getByRole("row").nth(2).getByRole("cell").allInnerTexts();
    return texts.map((text) => text.trim());
  };
  await until(async () => {
    await tab.reload();
    return cells();
  }).toEqual(["alive", "1", expect.stringMatching(/^[0-6]$/), "0", "0", b.lockstep.url]);
  expect(await table.getByRole("rowheader").allInnerTexts()).toEqual(["a (this page)", "b"]);
  expect(await barriers(tab)).toEqual([]);
});

test("a drained node gives its share away, and a removed one stays out until it is let in again", async () => {
  const { cluster, repos, nodes } = await clusterOf({}, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  const env = { LOCKSTEP_URL: a.lockstep.url, API_TOKEN: TOKEN };
  const shown = await cli(env, "nodes", "list");
  expect(shown.out.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["NODE", "a", "b", ""]);
  expect(await cli(env, "nodes", "drain", "none")).toMatchObject({
    code: 1,
    err: expect.stringContaining("no such node"),
  });
  expect((await post(a, "/api/v1/nodes/none/drain")).status).toBe(404);
  expect((await post(a, "/api/v1/nodes/b/drain")).status).toBe(200);
  await until(() => cluster.faults(repos, () => ["a"])).toEqual([]);
  await until(async () => (await listed(a.lockstep)).nodes.find(({ name }) => name === "b")).toMatchObject({
    owned: 0,
    kept: 0,
  });
  expect((await post(a, "/api/v1/nodes/a/drain")).status).toBe(409);
  expect((await post(b, "/api/v1/nodes/b/undrain")).status).toBe(200);
  await until(() => cluster.faults(repos)).toEqual([]);
  expect((await post(a, "/api/v1/nodes/b/remove")).status).toBe(409);
  await b.lockstep.kill9();
  await until(async () => (await post(a, "/api/v1/nodes/b/remove")).status).toBe(200);
  await until(() => cluster.faults(repos, () => ["a"])).toEqual([]);
  await b.restart();
  expect((await listed(a.lockstep)).nodes.map(({ name }) => name)).toEqual(["a"]);
  expect((await post(a, "/api/v1/nodes/b/add")).status).toBe(200);
  await until(async () => (await listed(a.lockstep)).nodes.length).toBe(2);
});

test("with REPLICAS=2 the death of a node costs readers and pushes no error", async () => {
  const { cluster, repos, nodes } = await clusterOf({ REPLICAS: "2" }, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  await b.lockstep.kill9();
  for (const repo of repos) {
    expect((await a.lockstep.api(pathOf(repo))).status).toBe(200);
    const push = await cluster.standin.commit(repo, "main");
    expect(await cluster.deliver(push, a)).toBe(202);
    expect((await a.lockstep.api(`${pathOf(repo)}/contains/${push.after}?wait=60s`)).status).toBe(200);
  }
  await b.restart();
  await until(() => cluster.faults(repos)).toEqual([]);
});

test("with REPLICAS=1 what a dead node has is answered with a reason, not with a wait", async () => {
  const { cluster, repos, nodes } = await clusterOf({}, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  const [ofB] = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  // Until its owner is known to have it, the node that cloned it first keeps it.
  const keptBy = async (name: string) =>
    (await listed(a.lockstep)).nodes.find((node) => node.name === name)?.kept;
  await until(() => keptBy("a")).toBe(0);
  await b.lockstep.kill9();
  const response = await a.lockstep.api(pathOf(ofB!));
  expect([response.status, await response.json()]).toEqual([
    503,
    expect.objectContaining({ reason: "node_away" }),
  ]);
});
