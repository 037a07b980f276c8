import { expect, test } from "vitest";
import { openTab, signIn } from "../support/browser.js";
import { cli } from "../support/cli.js";
import { createCluster, startNodes, type TestNode, TOKEN } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

const get = async <T>({ lockstep }: TestNode, path: string, init: RequestInit = {}): Promise<T> =>
  (await (await lockstep.api(path, init)).json()) as T;

interface Listed {
  repositories: { name: string; state: string; node: string }[];
  next: string | null;
  total: number;
  missing: string[];
}
interface Delivered {
  deliveries: { id: string; outcome: string; repository: string }[];
  next: string | null;
  missing: string[];
}
interface Shown {
  state: string;
  mirrors: { managed: number; cloned: number };
  repositories: Record<string, number>;
  attention: { kind: string; code: string }[];
  missing: string[];
}

/** Nodes that have all repositories in step, none of which another node keeps. */
async function settled(env: Record<string, string>, ...names: string[]) {
  const world = await startNodes(env, ...names);
  for (const node of world.nodes)
    await until(async () => {
      const { nodes } = await get<{ nodes: { kept: number | null }[] }>(node, "/api/v1/nodes");
      return nodes.length === names.length && nodes.every(({ kept }) => kept === 0);
    }).toBe(true);
  return { ...world, a: world.nodes[0]!, b: world.nodes[1]! };
}

test("every node lists the repositories of all, page by page with the same cursor", async () => {
  const { cluster, repos, a, b } = await settled({}, "a", "b");
  const found: Listed["repositories"] = [];
  let cursor = "";
  for (let n = 0; ; n++) {
    // Each page comes from another node.
    const page = await get<Listed>([a, b][n % 2]!, `/api/v1/repos?limit=1&cursor=${cursor}`);
    expect(page).toMatchObject({ total: 6, missing: [] });
    found.push(...page.repositories);
    if (page.next === null) break;
    cursor = page.next;
  }
  expect(found.map(({ name, node, state }) => [name, node, state])).toEqual(
    repos.map((repo) => [repo.name, cluster.ownersOf(repo)[0], "fresh"]),
  );
  const own = await get<Listed>(a, "/api/v1/repos?node=self&state=fresh");
  const ofA = repos.filter((repo) => cluster.ownersOf(repo)[0] === "a");
  expect(own.repositories.map(({ name }) => name)).toEqual(ofA.map(({ name }) => name));
  expect((await get<Listed>(b, "/api/v1/repos?state=gone")).repositories).toEqual([]);
  for (const node of [a, b]) {
    const status = await get<Shown>(node, "/api/v1/status");
    expect(status).toMatchObject({ state: "fresh", mirrors: { managed: 6, cloned: 6 }, missing: [] });
    expect(status.repositories).toEqual({ fresh: 6 });
  }
  const { out } = await cli({ LOCKSTEP_URL: b.lockstep.url, API_TOKEN: TOKEN }, "list");
  for (const { name } of repos) expect(out).toContain(`acme/${name}`);
  const { tab } = await openTab();
  await signIn(tab, `${a.lockstep.url}/repositories`, TOKEN);
  expect(await tab.getByText("6 repositories").first().isVisible()).toBe(true);
  // The page of a repository comes from the node that has it, and so does what is done there.
  for (const name of ["a", "b"]) {
    const repo = repos.find((one) => cluster.ownersOf(one)[0] === name)!;
    await tab.goto(`${a.lockstep.url}/repos/acme/${repo.name}`);
    await tab.getByRole("button", { name: /^Pause/ }).click();
    await tab.getByText(`Paused acme/${repo.name}`).waitFor();
    expect((await get<{ state: string }>(b, `/api/v1/repos/acme/${repo.name}`)).state).toBe("paused");
  }
  await tab.goto(`${a.lockstep.url}/repositories?state=paused`);
  for (const box of await tab.getByRole("checkbox").all()) await box.check();
  await tab.getByRole("button", { name: /^Resume the selected/ }).click();
  await tab.getByText("Resumed 2 repositories").waitFor();
});

test("with two owners a repository, a delivery and an event are one, and a node that is away is named", async () => {
  const { cluster, repos, a, b } = await settled({ REPLICAS: "2" }, "a", "b");
  for (const repo of repos) {
    const push = await cluster.standin.commit(repo, "main");
    expect(await cluster.deliver(push, a)).toBe(202);
  }
  const delivered = async (node: TestNode) => {
    const found: Delivered["deliveries"] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Delivered = await get(node, `/api/v1/deliveries?limit=4&cursor=${cursor}`);
      found.push(...page.deliveries);
      cursor = page.next;
    }
    return found;
  };
  for (const node of [a, b]) {
    await until(async () => (await delivered(node)).filter(({ outcome }) => outcome === "open")).toEqual([]);
    const all = await delivered(node);
    expect(new Set(all.map(({ repository }) => repository)).size).toBe(6);
    expect(await get<Listed>(node, "/api/v1/repos")).toMatchObject({ total: 6, missing: [] });
    expect((await get<Shown>(node, "/api/v1/status")).repositories).toEqual({ fresh: 6 });
    const one = await node.lockstep.api(`/api/v1/deliveries/${all[0]!.id}`);
    expect(one.status).toBe(200);
  }
  await b.lockstep.kill9();
  const left = await get<Listed>(a, "/api/v1/repos");
  expect(left.missing).toEqual(["b"]);
  expect(left.repositories).toHaveLength(6);
  expect((await get<Delivered>(a, "/api/v1/deliveries")).missing).toEqual(["b"]);
  expect((await get<Shown>(a, "/api/v1/status")).missing).toEqual(["b"]);
  const { err } = await cli({ LOCKSTEP_URL: a.lockstep.url, API_TOKEN: TOKEN }, "list");
  expect(err).toContain("without what only b has");
});

test("a held removal is confirmed at any node", async () => {
  const cluster = await createCluster({ INTERVAL: "10s" });
  const installation = cluster.standin.createInstallation("acme");
  const names = Array.from({ length: 40 }, (_, n) => `r${n}`);
  const repos = await cluster.standin.createRepositories(installation, names);
  const [a, b] = [await cluster.start("a"), await cluster.start("b")];
  await until(() => cluster.faults(repos)).toEqual([]);
  const ofB = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  for (const repo of ofB) cluster.standin.removeRepository(repo);
  const held = async () =>
    (await get<Shown>(a, "/api/v1/status")).attention.filter(
      ({ kind, code }) => kind === "problem" && code === "removal_held",
    );
  // A node that still keeps some of the other's holds those, and says so, too.
  await until(held).not.toEqual([]);
  const path = `/api/v1/installations/${installation.id}/confirm-removal`;
  const answer = await a.lockstep.api(path, { method: "POST" });
  const done = (await answer.json()) as { confirmed: boolean; repositories: number };
  expect(done.confirmed).toBe(true);
  // A refresh that met GitHub's 404 just then found that one gone by itself.
  expect(done.repositories).toBeGreaterThan(ofB.length / 2);
  await until(async () => (await get<Listed>(b, "/api/v1/repos?node=self&state=gone")).total).toBe(
    ofB.length,
  );
  await until(held).toEqual([]);
  expect((await a.lockstep.api(path, { method: "POST" })).status).toBe(409);
});

test("a node that was away while a removal was confirmed does not hold the same repositories", async () => {
  const cluster = await createCluster({ REPLICAS: "2" });
  const installation = cluster.standin.createInstallation("acme");
  const names = Array.from({ length: 24 }, (_, n) => `r${n}`);
  const repos = await cluster.standin.createRepositories(installation, names);
  const [a, b] = [await cluster.start("a"), await cluster.start("b")];
  await until(() => cluster.faults(repos)).toEqual([]);
  await a.lockstep.kill9();
  const missing = repos.slice(0, 20);
  for (const repo of missing) cluster.standin.removeRepository(repo);
  expect((await b.lockstep.api("/api/v1/pass", { method: "POST" })).status).toBe(202);
  const path = `/api/v1/installations/${installation.id}/confirm-removal`;
  await until(async () => (await b.lockstep.api(path, { method: "POST" })).status).toBe(200);
  await a.restart();
  const gone = async () => (await get<Listed>(a, "/api/v1/repos?node=self&state=gone")).total;
  await until(gone).toBe(missing.length);
  await until(async () => (await a.lockstep.api(path, { method: "POST" })).status).toBe(409);
  expect((await get<Listed>(a, "/api/v1/repos?node=self&state=fresh")).total).toBe(4);
});

test("an action on several repositories is done by every node that is alive, and names the others", async () => {
  const { repos, a, b } = await settled({}, "a", "b");
  const post = async (path: string) => (await a.lockstep.api(path, { method: "POST" })).json();
  expect(await post("/api/v1/repos/refresh")).toEqual({ repositories: repos.length });
  for (const { owner, name } of repos)
    expect((await a.lockstep.api(`/api/v1/repos/${owner}/${name}/pause`, { method: "POST" })).status).toBe(
      200,
    );
  expect(await post("/api/v1/repos/resume")).toEqual({ repositories: repos.length });
  process.kill(b.lockstep.pid, "SIGSTOP");
  const asked = post("/api/v1/pass");
  // It is asked until it counts as dead.
  expect(await asked).toEqual({ begun: expect.any(Boolean), missing: ["b"] });
  process.kill(b.lockstep.pid, "SIGCONT");
});
