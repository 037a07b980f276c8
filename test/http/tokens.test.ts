import { EventEmitter, once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createAccessTokens, TOKEN_TABLES } from "../../src/access/tokens.js";
import type { TokenScope } from "../../src/base/access.js";
import type { Announcement } from "../../src/base/model.js";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { createBearers } from "../../src/http/bearer.js";
import { createHealth } from "../../src/http/health.js";
import { createMetricsRoute } from "../../src/http/metrics.js";
import { openStore } from "../../src/store/database.js";
import { createTokenViews } from "../../src/views/tokens.js";
import { apiPorts, TOKEN } from "../support/api.js";
import { countTurns, keepBusy } from "../support/event-loop.js";
import { serveAll } from "../support/listen.js";
import type { Document } from "../support/openapi.js";
import { startPage } from "../support/page.js";
import { tempDir } from "../support/temp.js";

/** API, metrics and health with real tokens; the registry has acme/site alone. */
async function start(more: Partial<ApiPorts> = {}) {
  const clock = { now: Date.parse("2026-01-01T00:00:00Z") };
  const store = openStore(tempDir(), [TOKEN_TABLES]);
  onTestFinished(() => store.close());
  const now = () => clock.now;
  const tokens = createAccessTokens(store, { now, latestNow: now });
  const calls: unknown[][] = [];
  const views = createTokenViews({ tokens, latestNow: now });
  const ports = { ...apiPorts({}, calls), tokens: views, ...more };
  const bearers = createBearers({ apiToken: TOKEN, trustedProxies: [], findToken: tokens.find });
  const fresh = { state: "fresh" as const, mirrors: { managed: 1, cloned: 1 }, oldestMs: 99 };
  const base = await serveAll(
    createApi({ bearers, ports }),
    createMetricsRoute({ bearers, scrape: async () => ({ type: "text/plain", body: "metrics" }) }),
    createHealth({
      bearers,
      ports: { ready: () => ({ ok: true }), fresh: () => ({ ...fresh, problems: [], repositories: [] }) },
    }),
  );
  const call = (path: string, token = TOKEN, init: RequestInit = {}) =>
    fetch(base + path, { ...init, headers: { authorization: `Bearer ${token}` } });
  const post = (path: string, body?: object, token = TOKEN) =>
    call(path, token, { method: "POST", ...(body && { body: JSON.stringify(body) }) });
  const tokenFor = (scopes: TokenScope[], repositories: string[] | null = null) => {
    const made = views.add({ name: `t${views.all().length}`, scopes, repositories, lifeMs: 60_000 });
    if (typeof made === "string") throw new Error(made);
    return made.secret;
  };
  return { base, clock, call, calls, post, tokenFor };
}

const REPO = "/api/v1/repos/acme/site";
const SHA = "1".repeat(40);

/** Every call of the API, by the document. */
async function everyCall(call: (path: string) => Promise<Response>) {
  const { paths } = (await (await call("/api/v1/openapi.json")).json()) as Document;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { description }]) => ({
      method: method.toUpperCase(),
      path: path
        .replace("{owner}/{name}", "acme/site")
        .replace("{sha}", SHA)
        .replace("{name}", "t0")
        .replace("{id}", "3"),
      description: (description ?? "") as string,
    })),
  );
}

test("API_TOKEN makes a token, which is shown once, listed without its secret, and revoked", async () => {
  const { call, post } = await start();
  const made = await post("/api/v1/tokens", {
    name: "ci",
    scopes: ["read"],
    repositories: ["acme/*"],
    expires: "90d",
  });
  expect([made.status, made.headers.get("cache-control")]).toEqual([201, "no-store"]);
  const { secret, token } = (await made.json()) as { secret: string; token: object };
  expect(token).toEqual({
    ...{ name: "ci", scopes: ["read"], repositories: ["acme/*"], lastUsedAt: null, expired: false },
    createdAt: "2026-01-01T00:00:00.000Z",
    expiresAt: "2026-04-01T00:00:00.000Z",
  });
  expect((await call(REPO, secret)).status).toBe(200);
  const listed = await (await call("/api/v1/tokens")).text();
  expect(JSON.parse(listed)).toMatchObject({ tokens: [{ name: "ci", lastUsedAt: expect.any(String) }] });
  expect(listed).not.toContain(secret);
  const revoked = await post("/api/v1/tokens/ci/revoke");
  expect(await revoked.json()).toEqual({ revoked: true, name: "ci" });
  expect((await call(REPO, secret)).status).toBe(401);
  expect((await post("/api/v1/tokens/ci/revoke")).status).toBe(404);
});

test("a wish for a token with a fault is refused, and nothing is made", async () => {
  const { call, post } = await start();
  const good = { name: "ci", scopes: ["git"] };
  const bad = [
    { ...good, name: "API_TOKEN" },
    { ...good, name: "" },
    { ...good, name: "a".repeat(64) },
    { ...good, scopes: [] },
    { ...good, scopes: ["admin"] },
    { ...good, repositories: [] },
    { ...good, repositories: ["!acme/*"] },
    { ...good, repositories: ["acme"] },
    { ...good, repositories: ["acme/*", "!acme/app.wiki"] },
    { ...good, expires: "0d" },
    { ...good, expires: "3651d" },
    { ...good, expires: "never" },
    { ...good, more: 1 },
  ];
  for (const body of bad) {
    const answer = await post("/api/v1/tokens", body);
    expect([answer.status, await answer.json()], JSON.stringify(body)).toEqual([
      400,
      expect.objectContaining({ reason: "bad_request", remedy: expect.any(String) }),
    ]);
  }
  expect((await post("/api/v1/tokens", { ...good, name: "x".repeat(70_000) })).status).toBe(413);
  expect(await (await call("/api/v1/tokens")).json()).toEqual({ tokens: [] });
  expect((await post("/api/v1/tokens", good)).status).toBe(201);
  const again = await post("/api/v1/tokens", good);
  expect([again.status, ((await again.json()) as { reason: string }).reason]).toEqual([409, "name_taken"]);
});

test.each([["git"], ["read"], ["operate"]] as const)(
  "a token with the scope %s may call what the document says, and nothing else",
  async (scope) => {
    const { call, tokenFor } = await start();
    const token = tokenFor([scope]);
    const all = await everyCall(call);
    expect(all.length).toBeGreaterThan(20);
    for (const { method, path, description } of all.filter(({ path }) => path !== "/api/v1/events")) {
      const { status } = await call(path, token, { method });
      const mayCall = description.includes(`\`${scope}\``);
      expect(status === 403, `${method} ${path} ${status}`).toBe(!mayCall);
      expect(description).toMatch(/^(Needs the scope `(read|operate)`.*|For API_TOKEN alone)\.$/);
    }
  },
);

test("no token makes, lists or revokes tokens, whatever its scopes", async () => {
  const { call, post, tokenFor } = await start();
  const token = tokenFor(["git", "read", "operate"]);
  for (const answer of [
    await call("/api/v1/tokens", token),
    await post("/api/v1/tokens", { name: "more", scopes: ["operate"] }, token),
    await post("/api/v1/tokens/t0/revoke", undefined, token),
  ])
    expect([answer.status, await answer.json()]).toEqual([
      403,
      expect.objectContaining({ reason: "only_api_token" }),
    ]);
  expect(await (await call("/api/v1/tokens")).json()).toMatchObject({ tokens: [{ name: "t0" }] });
});

test("a token limited to repositories may call only what is about single repositories", async () => {
  const { call, tokenFor } = await start();
  const token = tokenFor(["read", "operate"], ["acme/*"]);
  const refused = [];
  for (const { method, path } of (await everyCall(call)).filter(({ path }) => path !== "/api/v1/events"))
    if ((await call(path, token, { method })).status === 403) refused.push(`${method} ${path}`);
  expect(refused.sort()).toEqual([
    "GET /api/v1/audit",
    "GET /api/v1/installations",
    "GET /api/v1/status",
    "GET /api/v1/tokens",
    "GET /api/v1/trends",
    "POST /api/v1/installations/3/confirm-removal",
    "POST /api/v1/pass",
    "POST /api/v1/repos/refresh",
    "POST /api/v1/repos/resume",
    "POST /api/v1/tokens",
    "POST /api/v1/tokens/t0/revoke",
  ]);
});

test("metrics and the details of health are for tokens that may read everything", async () => {
  const { call, tokenFor } = await start();
  const all = tokenFor(["read"]);
  const some = tokenFor(["read"], ["acme/*"]);
  const operates = tokenFor(["operate", "git"]);
  const statusOf = async (token: string) => (await call("/metrics", token)).status;
  expect([await statusOf(all), await statusOf(some), await statusOf(operates)]).toEqual([200, 403, 403]);
  const shown = async (token: string) =>
    "oldestMs" in ((await (await call("/freshz", token)).json()) as object);
  expect([await shown(all), await shown(some), await shown(operates)]).toEqual([true, false, false]);
});

test("a repository that a token may not see is answered like one that does not exist", async () => {
  const { call, calls, tokenFor } = await start();
  const token = tokenFor(["read", "operate"], ["other/*"]);
  for (const { method, path } of (await everyCall(call)).filter(({ path }) => path.includes("acme/site"))) {
    const hidden = await call(path, token, { method, ...(method === "POST" && { body: "{}" }) });
    const none = await call(path.replace("acme/site", "acme/none"), token, {
      method,
      ...(method === "POST" && { body: "{}" }),
    });
    expect(hidden.status, path).toBe(none.status);
    expect(await hidden.text(), path).toBe(await none.text());
    expect([...hidden.headers.keys()], path).toEqual([...none.headers.keys()]);
  }
  expect((await call("/api/v1/events?repository=acme/site", token)).status).toBe(404);
  expect(calls).toEqual([]);
});

test("lists get what the token sees; those of API_TOKEN are not narrowed", async () => {
  const { call, calls, tokenFor } = await start({
    delivery: () => ({ repository: "acme/site" }) as never,
  });
  const token = tokenFor(["read"], ["acme/*"]);
  for (const path of ["/api/v1/repos", "/api/v1/deliveries"]) {
    await call(path, token);
    await call(path);
  }
  const sight = calls.map(([, query]) => (query as { sees?: (name: string) => boolean }).sees);
  expect(sight.map((sees) => sees && [sees("acme/site"), sees("other/site")])).toEqual([
    [true, false],
    undefined,
    [true, false],
    undefined,
  ]);
  expect((await call("/api/v1/deliveries/1", token)).status).toBe(200);
  expect((await call("/api/v1/deliveries/1", tokenFor(["read"], ["other/*"]))).status).toBe(404);
});

test("the event stream has only what the token sees, and ends when the token is revoked", async () => {
  const newEvents = new EventEmitter();
  const made: Announcement[] = [];
  const announce = (id: number, owner: string) => {
    made.push({ id, type: "changed", repository: { id, owner, name: "x" } } as Announcement);
    newEvents.emit("event");
  };
  const after = (id: number) => made.filter((event) => event.id > id);
  const { call, post, tokenFor } = await start({
    events: { after, bounds: () => ({ oldest: 1, newest: 0 }), newEvents, stopping: () => false },
  });
  const token = tokenFor(["read"], ["acme/*"]);
  const stream = await call("/api/v1/events?after=0", token);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (isThere: () => boolean) => {
    while (!isThere()) {
      const { value, done } = await reader.read();
      if (done) return "ended";
      text += value;
    }
    return "there";
  };
  await readUntil(() => text.includes("retry"));
  announce(1, "acme");
  await readUntil(() => text.includes("id: 1"));
  announce(2, "other");
  announce(3, "acme");
  expect(await readUntil(() => text.includes("id: 3"))).toBe("there");
  expect(text).not.toContain("other");
  await post("/api/v1/tokens/t0/revoke");
  announce(4, "acme");
  expect(await readUntil(() => text.includes("id: 4"))).toBe("ended");
});

test("a reader who may see none of a week's events holds nobody up", async () => {
  const total = 20_000;
  let asked = 0;
  let hasStopped = false;
  const after = (id: number, limit: number) => {
    asked += 1;
    keepBusy(1);
    const left = Math.max(0, Math.min(limit, total - id));
    return Array.from({ length: left }, (_, n) => ({
      ...({
        id: id + n + 1,
        type: "changed",
        repository: { id: 1, owner: "other", name: "x" },
      } as Announcement),
    }));
  };
  const { call, tokenFor } = await start({
    events: {
      after,
      bounds: () => ({ oldest: 1, newest: total }),
      newEvents: new EventEmitter(),
      stopping: () => hasStopped,
    },
  });
  const turns = countTurns();
  const stream = await call("/api/v1/events?after=0", tokenFor(["read"], ["acme/*"]));
  await expect.poll(() => asked).toBeGreaterThan(total / 20);
  const [pages, pauses] = [asked, turns()];
  hasStopped = true;
  await stream.body!.cancel();
  expect(pauses).toBeGreaterThanOrEqual(pages / 20);
});

test("a wait that ends after its token was revoked says nothing", async () => {
  let arrive = () => {};
  const arrived = new Promise<boolean>((resolve) => {
    arrive = () => resolve(true);
  });
  const waits = new EventEmitter();
  const { call, post, tokenFor } = await start({
    contains: () => {
      waits.emit("asked");
      return arrived;
    },
  });
  const asked = once(waits, "asked");
  const answer = call(`${REPO}/contains/${SHA}?wait=1m`, tokenFor(["read"]));
  await asked;
  await post("/api/v1/tokens/t0/revoke");
  arrive();
  expect((await answer).status).toBe(401);
});

test("an expired token is a wrong one, and wrong ones are counted", async () => {
  const { call, clock, tokenFor } = await start();
  const token = tokenFor(["read"]);
  clock.now += 60_000;
  for (let n = 0; n < 100; n++) expect((await call(REPO, token)).status).toBe(401);
  expect((await call(REPO, token)).status).toBe(429);
  expect((await call(REPO, tokenFor(["read"]))).status).toBe(200);
});

test("the page opens no session for a token", async () => {
  const { tokenFor } = await start();
  const { post } = await startPage();
  expect((await post("/sign-in", { token: TOKEN })).status).toBe(303);
  const answer = await post("/sign-in", { token: tokenFor(["read", "operate", "git"]) });
  expect([answer.status, answer.headers.get("set-cookie")]).toEqual([401, null]);
});
