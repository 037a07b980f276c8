import { expect, onTestFinished, test } from "vitest";
import { AUDIT_TABLES, createAudit } from "../../src/access/audit.js";
import { createAccessTokens, TOKEN_TABLES } from "../../src/access/tokens.js";
import type { LogDetails } from "../../src/base/log.js";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { createBearers } from "../../src/http/bearer.js";
import { openStore } from "../../src/store/database.js";
import { createAuditViews } from "../../src/views/audit.js";
import { createTokenViews } from "../../src/views/tokens.js";
import { apiPorts, TOKEN } from "../support/api.js";
import { serveAll } from "../support/listen.js";
import { startPage } from "../support/page.js";
import { tempDir } from "../support/temp.js";

const SHA = "1".repeat(40);

async function start(more: Partial<ApiPorts> = {}) {
  const store = openStore(tempDir(), [TOKEN_TABLES, AUDIT_TABLES]);
  onTestFinished(() => store.close());
  const tokens = createAccessTokens(store, { now: Date.now, latestNow: Date.now });
  const lines: LogDetails[] = [];
  const log = { info: (details: LogDetails) => void lines.push(details) };
  const audit = createAuditViews(createAudit(store), log);
  const views = createTokenViews({ tokens, latestNow: Date.now });
  const ports = { ...apiPorts(), tokens: views, audit, ...more };
  const bearers = createBearers({ apiToken: TOKEN, trustedProxies: [], findToken: tokens.find });
  const base = await serveAll(createApi({ bearers, ports }));
  const call = (path: string, token = TOKEN) =>
    fetch(`${base}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  const post = (path: string, body: object = {}, token = TOKEN) =>
    fetch(`${base}/api/v1/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${token}` },
    });
  const listed = async () =>
    ((await (await call("audit")).json()) as { audit: { action: string; subject: string }[] }).audit;
  const tokenFor = async (scopes: string[], repositories: string[] | null = null) => {
    const made = await post("tokens", { name: "ci", scopes, repositories });
    return ((await made.json()) as { secret: string }).secret;
  };
  return { ports, lines, call, post, listed, tokenFor };
}

test("each operating action is written down with the token's name, and reads are not", async () => {
  const { lines, call, post, listed, tokenFor } = await start();
  const token = await tokenFor(["read", "operate"]);
  await call("repos/acme/site", token);
  await post("repos/acme/site/refresh", {}, token);
  await post("repos/acme/site/pause", {}, token);
  await post("repos/acme/site/allow", { ref: "refs/heads/main", wanted: SHA }, token);
  await post("repos/acme/none/resume", {}, token);
  await post("installations/3/confirm-removal", {}, token);
  await post("tokens/ci/revoke");
  const operator = { token: "API_TOKEN", via: "api" };
  const ci = { token: "ci", via: "api", subject: "acme/site" };
  const expected = [
    { ...operator, action: "tokens revoke", subject: "token ci", status: 200 },
    { ...ci, action: "confirm-removal", subject: "installation 3", status: 404 },
    { ...ci, action: "resume", subject: "acme/none", status: 404 },
    { ...ci, action: "allow", detail: `refs/heads/main ${SHA}`, status: 202 },
    { ...ci, action: "pause", status: 200 },
    { ...ci, action: "refresh", status: 202 },
    {
      ...operator,
      action: "tokens add",
      subject: "token",
      detail: "ci read,operate every repository",
      status: 201,
    },
  ];
  expect(await listed()).toMatchObject(expected);
  expect(lines).toMatchObject(expected.map((one) => ({ event: "operated", ...one })).reverse());
  expect(JSON.stringify([await listed(), lines])).not.toContain(token);
});

test("an action is written down before it is carried out, and one that cannot be is not", async () => {
  const before: string[] = [];
  const { ports, post, listed } = await start({
    pause: () => void before.push("paused"),
  });
  const { begin } = ports.audit;
  ports.audit.begin = (act) => {
    before.push(act.action);
    return begin(act);
  };
  await post("repos/acme/site/pause");
  expect(before).toEqual(["pause", "paused"]);
  ports.audit.begin = () => {
    throw Object.assign(new Error("disk full"), { code: "SQLITE_FULL" });
  };
  const answer = await post("repos/acme/site/pause");
  expect([answer.status, before.length]).toEqual([503, 2]);
  expect(await listed()).toHaveLength(1);
});

test("an action that fails is written down with the status of its answer", async () => {
  const { post, listed } = await start({
    pause: () => {
      throw new Error("unexpected");
    },
  });
  expect((await post("repos/acme/site/pause")).status).toBe(500);
  expect(await listed()).toMatchObject([{ action: "pause", status: 500 }]);
});

test("what a token may not do is refused before it is written down", async () => {
  const { post, listed, tokenFor } = await start();
  const token = await tokenFor(["read"]);
  expect((await post("repos/acme/site/pause", {}, token)).status).toBe(403);
  expect(await listed()).toMatchObject([{ action: "tokens add" }]);
});

test("the audit is for whoever may read everything", async () => {
  const { call, tokenFor } = await start();
  expect((await call("audit", await tokenFor(["read"], ["acme/*"]))).status).toBe(403);
  expect((await call("audit?limit=0")).status).toBe(400);
  const { call: callAll, tokenFor: tokenForAll } = await start();
  expect((await callAll("audit", await tokenForAll(["read"]))).status).toBe(200);
});

test("names in a path that no terminal should print are cleaned", async () => {
  const { post, listed } = await start();
  await post(`repos/acme/${encodeURIComponent("\u001b[2J\nsite")}/pause`);
  expect((await listed())[0]!.subject).toBe("acme/ [2J site");
});

test("actions of the page are those of API_TOKEN, and the page lists them", async () => {
  const { ports, listed } = await start();
  const { get, post, signIn } = await startPage({ ports });
  const cookie = await signIn();
  await post("/repos/acme/site/refresh", {}, cookie);
  await post("/repos/acme/site/allow", { ref: "refs/heads/main", wanted: SHA }, cookie);
  await post("/repos/acme/site/pause", {});
  await post("/installations/3/confirm-removal", {}, cookie);
  await post("/sign-out", {}, cookie);
  const page = { token: "API_TOKEN", via: "page" };
  expect(await listed()).toMatchObject([
    { ...page, action: "confirm-removal", subject: "installation 3", status: 404 },
    { ...page, action: "allow", subject: "acme/site", detail: `refs/heads/main ${SHA}`, status: 303 },
    { ...page, action: "refresh", subject: "acme/site", status: 303 },
  ]);
  const text = await (await get("/audit", await signIn())).text();
  expect(text).toContain("<h1>Audit</h1>");
  expect(text).toContain(`refs/heads/main ${SHA}`);
  expect(text).toContain("refused, 404");
});
