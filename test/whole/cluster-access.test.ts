import { expect, test } from "vitest";
import { openTab, signIn } from "../support/browser.js";
import { startNodes, type TestNode, TOKEN } from "../support/nodes.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 100 });

const post = ({ lockstep }: TestNode, path: string, body: object = {}) =>
  lockstep.api(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const statusWith = async ({ lockstep }: TestNode, secret: string) =>
  (await lockstep.api("/api/v1/repos?node=self", { headers: { authorization: `Bearer ${secret}` } })).status;

async function made(node: TestNode, name: string, more: object = {}): Promise<string> {
  const answer = await post(node, "/api/v1/tokens", { name, scopes: ["read"], ...more });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { secret: string }).secret;
}

const audited = async ({ lockstep }: TestNode) => {
  const answer = await lockstep.api("/api/v1/audit?limit=100");
  const { audit } = (await answer.json()) as {
    audit: { action: string; subject: string; status: number | null }[];
  };
  return audit.map(({ action, subject, status }) => `${action}, ${subject}: ${status}`);
};

async function started() {
  const { nodes } = await startNodes({}, "a", "b");
  const [a, b] = nodes as [TestNode, TestNode];
  await until(async () => {
    const answer = await a.lockstep.api("/api/v1/nodes");
    return ((await answer.json()) as { nodes: { state: string }[] }).nodes.filter(
      ({ state }) => state === "alive",
    ).length;
  }).toBe(2);
  return { a, b };
}

test("a token counts at every node, and is refused at every node once it is revoked at one", async () => {
  const { a, b } = await started();
  const secret = await made(a, "ci");
  await until(() => statusWith(b, secret)).toBe(200);
  const limited = await made(b, "limited", { repositories: ["acme/r0", "acme/r1"] });
  await until(() => statusWith(a, limited)).toBe(200);
  // What a limited token sees is the same at each node, wherever the repositories are.
  for (const node of [a, b]) {
    const answer = await node.lockstep.api("/api/v1/repos", {
      headers: { authorization: `Bearer ${limited}` },
    });
    const { repositories, total } = (await answer.json()) as {
      repositories: { name: string }[];
      total: number;
    };
    expect([repositories.map(({ name }) => name), total]).toEqual([["r0", "r1"], 2]);
  }
  expect((await post(b, "/api/v1/tokens/ci/revoke")).status).toBe(200);
  await until(() => statusWith(a, secret)).toBe(401);
  const done = ["tokens add, token: 201", "tokens add, token: 201", "tokens revoke, token ci: 200"];
  for (const node of [a, b])
    await until(async () => [...(await audited(node))].reverse()).toEqual([done[0], done[1], done[2]]);
});

test("a node that was away learns what was made, revoked and done meanwhile, and tells what it has done", async () => {
  const { a, b } = await started();
  const old = await made(b, "old");
  await until(() => statusWith(a, old)).toBe(200);
  await b.lockstep.kill9();
  expect((await post(a, "/api/v1/tokens/old/revoke")).status).toBe(200);
  const fresh = await made(a, "fresh");
  await b.restart();
  await until(() => statusWith(b, fresh)).toBe(200);
  expect(await statusWith(b, old)).toBe(401);
  // The revocation is the latest word, also for the node that made the token.
  expect(await statusWith(a, old)).toBe(401);
  await until(() => audited(b)).toContain("tokens revoke, token old: 200");
  expect(new Set(await audited(a))).toEqual(new Set(await audited(b)));
});

test("whoever signs in at the page of one node is signed in at all, until he signs out at one", async () => {
  const { a, b } = await started();
  const { tab } = await openTab();
  await signIn(tab, `${a.lockstep.url}/`, TOKEN);
  // A browser has the same cookies for each port of a host.
  await tab.goto(`${b.lockstep.url}/server`);
  await tab.getByRole("heading", { name: "Server", exact: true }).waitFor();
  const [cookie] = (await tab.context().cookies()).filter(({ name }) => name === "lockstep");
  const isOpen = async ({ lockstep }: TestNode) => {
    const answer = await fetch(`${lockstep.url}/server`, {
      headers: { cookie: `lockstep=${cookie!.value}` },
    });
    return /<h1>Server<\/h1>/.test(await answer.text());
  };
  expect([await isOpen(a), await isOpen(b)]).toEqual([true, true]);
  await tab.getByRole("button", { name: "Sign out" }).click();
  for (const node of [a, b]) await until(() => isOpen(node)).toBe(false);
});
