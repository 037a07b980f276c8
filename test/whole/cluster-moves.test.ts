import { existsSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { refsInFiles } from "../../tools/refs-in-files.js";
import type { Repo } from "../../tools/standin/index.js";
import { listen } from "../support/listen.js";
import { startNodes, type TestCluster, type TestNode } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

const pathOf = ({ owner, name }: Repo) => `/api/v1/repos/${owner}/${name}`;
const post = ({ lockstep }: TestNode, path: string, body: unknown = {}) =>
  lockstep.api(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const get = async <T>({ lockstep }: TestNode, path: string) => (await (await lockstep.api(path)).json()) as T;

const refsOf = ({ dataDir }: TestNode, { id }: Repo) =>
  refsInFiles(join(dataDir, "repos", String(id), "mirror.git"));
const tipOf = (node: TestNode, repo: Repo) => refsOf(node, repo)?.get("refs/heads/main");
const keptShas = (node: TestNode, repo: Repo) =>
  [...(refsOf(node, repo) ?? [])].flatMap(([ref, sha]) => (ref.startsWith("refs/lockstep/kept/") ? sha : []));

/** Returns the names of repositories that GitHub was asked for objects of. */
const fetched = ({ standin }: TestCluster) =>
  new Set(standin.gitRequests.flatMap(({ protocol, path }) => (protocol === "fetch" ? path : [])));

const asideAt = ({ lockstep }: TestNode) =>
  lockstep.log.filter(
    ({ event, why }) => event === "repository_gone" && why === "the nodes that own it have it",
  ).length;

/** GitHub forces main to another history. @returns the tip that is lost, and the new one */
async function force(cluster: TestCluster, repo: Repo, node: TestNode) {
  const { after: lost } = await cluster.standin.commit(repo, "main");
  await refresh(node, repo);
  expect(tipOf(node, repo)).toBe(lost);
  const { after: now } = await cluster.standin.forcePush(repo, "main", { orphan: true });
  await refresh(node, repo);
  return { lost, now };
}

const refresh = (node: TestNode, repo: Repo) => post(node, `${pathOf(repo)}/refresh?wait=60s`);

interface Shown {
  state: string;
  kept: { name: string; sha: string }[];
  holds: { ref: string; tip: string; wanted: string }[];
}

/**
 * Starts a second node, and waits until the first one has handed over what the second one owns now.
 * @param stays whether CHECKOUTS has the first one keep it all the same
 */
async function handOver(
  cluster: TestCluster,
  from: TestNode,
  repos: readonly Repo[],
  { stays = false } = {},
) {
  cluster.standin.gitRequests.length = 0;
  const to = await cluster.start("b");
  const moved = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  expect(moved.length).toBeGreaterThan(1);
  if (!stays) await until(() => asideAt(from)).toBe(moved.length);
  for (const repo of moved)
    await to.lockstep.waitForLog(
      ({ event, repository, node }) =>
        event === "mirror_taken_over" && repository === `acme/${repo.name}` && node === "a",
    );
  return { to, moved };
}

test("kept tips and pauses move along when a node joins and when it is drained, and GitHub is asked for no clone", async () => {
  const { cluster, repos, nodes } = await startNodes({}, "a");
  const [a] = nodes as [TestNode];
  const forced = new Map<Repo, { lost: string; now: string }>();
  for (const repo of repos) forced.set(repo, await force(cluster, repo, a));
  for (const repo of repos) expect((await post(a, `${pathOf(repo)}/pause`)).status).toBe(200);
  const { to: b, moved } = await handOver(cluster, a, repos);
  for (const repo of moved) {
    const { lost, now } = forced.get(repo)!;
    expect(fetched(cluster)).not.toContain(`/acme/${repo.name}.git/git-upload-pack`);
    expect([tipOf(b, repo), keptShas(b, repo)]).toEqual([now, [lost]]);
    for (const node of [a, b]) {
      const shown = await get<Shown>(node, pathOf(repo));
      expect([shown.state, shown.kept.map(({ sha }) => sha)]).toEqual(["paused", [lost]]);
    }
    const resumed = await post(a, `${pathOf(repo)}/resume`);
    expect([resumed.status, await resumed.json()]).toMatchObject([202, { paused: false }]);
  }
  for (const repo of moved) {
    await until(async () => (await get<Shown>(a, pathOf(repo))).state).toBe("fresh");
    const { kept } = await get<Shown>(a, pathOf(repo));
    expect((await post(a, `${pathOf(repo)}/restore?wait=60s`, { kept: kept[0]!.name })).status).toBe(200);
    expect(tipOf(b, repo)).toBe(forced.get(repo)!.lost);
  }
  // Back again, now with a hold: the mirrors of `a` are there, and out of date.
  expect((await post(a, "/api/v1/nodes/b/drain")).status).toBe(200);
  await until(() => asideAt(b)).toBe(moved.length);
  for (const repo of moved) {
    const { lost, now } = forced.get(repo)!;
    expect((await get<Shown>(b, pathOf(repo))).holds).toMatchObject([{ tip: lost, wanted: now }]);
    // To restore a tip keeps the one that it replaces.
    expect([tipOf(a, repo), new Set(keptShas(a, repo))]).toEqual([lost, new Set([lost, now])]);
  }
});

test("a held ref is held at the new owner before it is compared, until somebody allows the change", async () => {
  const { cluster, repos, nodes } = await startNodes({ HISTORY: "block" }, "a");
  const [a] = nodes as [TestNode];
  const forced = new Map<Repo, { lost: string; now: string }>();
  for (const repo of repos) forced.set(repo, await force(cluster, repo, a));
  const { to: b, moved } = await handOver(cluster, a, repos);
  for (const repo of moved) {
    const { lost, now } = forced.get(repo)!;
    expect(tipOf(b, repo)).toBe(lost);
    expect(keptShas(b, repo)).toEqual([]);
    for (const node of [a, b])
      expect((await get<Shown>(node, pathOf(repo))).holds).toMatchObject([{ tip: lost, wanted: now }]);
    const allowed = await post(a, `${pathOf(repo)}/allow?wait=60s`, { ref: "refs/heads/main" });
    expect(allowed.status).toBe(200);
    expect(tipOf(b, repo)).toBe(now);
  }
  // The mirrors of `a` are out of date. Their old refs hold nothing, whether they are compared with GitHub or not.
  expect((await post(a, `${pathOf(moved[0]!)}/pause`)).status).toBe(200);
  expect((await post(a, "/api/v1/nodes/b/drain")).status).toBe(200);
  await until(() => asideAt(b)).toBe(moved.length);
  for (const repo of moved) {
    const state = repo === moved[0] ? "paused" : "fresh";
    expect(await get<Shown>(b, pathOf(repo))).toMatchObject({ state, holds: [] });
    expect(tipOf(a, repo)).toBe(forced.get(repo)!.now);
  }
});

test("a former owner that dies while it hands its mirrors over is done without: GitHub has them", async () => {
  const { cluster, repos } = await startNodes({});
  const world: { a?: TestNode; asked: number } = { asked: 0 };
  const url = await listen((request, response) => {
    const { a } = world;
    if (request.url?.endsWith("/git-upload-pack")) {
      world.asked += 1;
      void a?.lockstep.kill9();
      request.socket.destroy();
      return;
    }
    const { method, headers } = request;
    const onwards = requestHttp(a!.lockstep.url + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.destroy());
    request.pipe(onwards);
  });
  world.a = await cluster.start("a", { NODE_URL: url });
  await until(() => cluster.faults(repos)).toEqual([]);
  const b = await cluster.start("b");
  const ofB = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  await until(() => cluster.faults(ofB)).toEqual([]);
  expect(world.asked).toBeGreaterThan(0);
  expect(b.lockstep.log).toContainEqual(expect.objectContaining({ event: "take_over_failed", node: "a" }));
  for (const repo of ofB) await until(async () => (await get<Shown>(b, pathOf(repo))).state).toBe("fresh");
});

test("a node has what its own CHECKOUTS name, whoever owns it, and keeps it", async () => {
  const { cluster, repos } = await startNodes({});
  const a = await cluster.start("a", { CHECKOUTS: "acme/*" });
  const b = await cluster.start("b");
  const ofB = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  expect(ofB.length).toBeGreaterThan(0);
  await until(() => cluster.faults(repos)).toEqual([]);
  await until(() => cluster.faults(ofB, () => ["a", "b"])).toEqual([]);
  const pushes = [];
  for (const repo of ofB)
    pushes.push({ repo, push: await cluster.standin.commit(repo, "main", { files: { now: "1" } }) });
  for (const { push } of pushes) await cluster.deliver(push, b);
  for (const { repo } of pushes)
    await until(() => existsSync(join(a.dataDir, "checkouts", repo.owner, repo.name, "now"))).toBe(true);
  // By now the owner has said that it has everything, and what was not needed would be set aside.
  const kept = async () =>
    (await get<{ nodes: { name: string; kept: number | null }[] }>(a, "/api/v1/nodes")).nodes.find(
      ({ name }) => name === "a",
    )?.kept;
  await until(kept).toBe(0);
  expect(asideAt(a)).toBe(0);
});

const checkoutsWith = (option: string) =>
  Array.from({ length: 6 }, (_, n) => `acme/r${n}?${option}`).join(",");

test("what a mirror with a filter has kept and holds moves along, before its refs are compared", async () => {
  const env = { CHECKOUTS: checkoutsWith("filter=blob:none"), HISTORY: "block" };
  const { cluster, repos, nodes } = await startNodes(env, "a");
  const [a] = nodes as [TestNode];
  const forced = new Map<Repo, { kept: string; held: string; now: string }>();
  for (const repo of repos) {
    // One change is allowed, whose old tip is kept; the next one is held.
    const first = await force(cluster, repo, a);
    expect((await post(a, `${pathOf(repo)}/allow?wait=60s`, { ref: "refs/heads/main" })).status).toBe(200);
    const { after: now } = await cluster.standin.forcePush(repo, "main", { orphan: true });
    await refresh(a, repo);
    forced.set(repo, { kept: first.lost, held: first.now, now });
  }
  const { to: b, moved } = await handOver(cluster, a, repos, { stays: true });
  for (const repo of moved) {
    const { kept, held, now } = forced.get(repo)!;
    await until(() => tipOf(b, repo)).toBe(held);
    // The clone had GitHub's value, which is kept as the ref goes back to where it is held.
    await until(() => new Set(keptShas(b, repo))).toEqual(new Set([kept, now]));
    await until(async () => (await get<Shown>(b, pathOf(repo))).holds).toMatchObject([
      { tip: held, wanted: now },
    ]);
  }
});

test("the pause of a mirror with a depth moves along", async () => {
  const { cluster, repos, nodes } = await startNodes({ CHECKOUTS: checkoutsWith("depth=2") }, "a");
  const [a] = nodes as [TestNode];
  for (const repo of repos) expect((await post(a, `${pathOf(repo)}/pause`)).status).toBe(200);
  const { to: b, moved } = await handOver(cluster, a, repos, { stays: true });
  for (const repo of moved) {
    await until(async () => (await get<Shown>(b, pathOf(repo))).state).toBe("paused");
    await until(() => tipOf(b, repo)).toBe(tipOf(a, repo));
  }
});
