import { expect, test } from "vitest";
import type { ApiPorts } from "../../../src/http/api.js";
import { cached } from "../../../src/http/cached.js";
import type { ReaderView } from "../../../src/http/readers.js";
import type { RepositoryView } from "../../../src/http/view.js";
import { apiPorts, SITE, TOKEN } from "../../support/api.js";
import { startPage } from "../../support/page.js";
import { sceneOf } from "../../support/scenes.js";

const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;`;
const PAGES = [
  "/",
  "/repositories",
  "/trends",
  "/deliveries",
  "/readers",
  "/server",
  "/audit",
  "/repos/acme/site",
  "/repositories?state=gone",
  "/nothing-like-it",
];

const TYPES = ["changed", "cloned", "published", "refused"] as const;
const READER: ReaderView = {
  ...{ repository: "acme/site", isManaged: true, reader: "ci", way: "token", address: "192.0.2.1" },
  ...{ lastAt: "2024-01-01T00:00:00.000Z", requests: 3, shared: 1, failed: 1, bytes: 2 ** 21 },
  sources: { mirror: 1, fetched: 0, github: 1 },
};

/** Every text that comes from outside, in its most hostile form. */
function hostile(): ApiPorts {
  const error = { code: EVIL, message: EVIL, hint: EVIL, at: EVIL, attempt: 1 };
  const bad: RepositoryView = { ...SITE, owner: EVIL, name: EVIL, defaultBranch: EVIL, lastError: error };
  const tip = { name: EVIL, ref: EVIL, sha: EVIL, keptAt: EVIL, expiresAt: EVIL, restore: EVIL, push: EVIL };
  const hold = { ref: EVIL, tip: EVIL, wanted: EVIL, since: EVIL, cause: "blocked", allow: EVIL, push: EVIL };
  const veto = { reason: EVIL, output: EVIL, at: EVIL };
  const checkout = {
    ref: EVIL,
    path: EVIL,
    commit: EVIL,
    publishedAt: EVIL,
    wanted: EVIL,
    veto,
    notes: [EVIL],
  };
  const came = { id: EVIL, event: EVIL, action: EVIL, receivedAt: EVIL, headers: { [EVIL]: EVIL } };
  const delivery = { ...came, repository: EVIL, became: EVIL };
  const entry = { id: 1, at: EVIL, token: EVIL, action: EVIL, subject: EVIL, detail: EVIL };
  const status = apiPorts().status();
  const problem = { code: EVIL, detail: EVIL, remedy: EVIL, since: EVIL };
  const done = {
    id: 1,
    at: EVIL,
    repository: EVIL,
    changed: 2,
    lagMs: 1,
    ref: EVIL,
    before: EVIL,
    after: EVIL,
  };
  const attention = (["outage", "problem", "failing", "held"] as const).map((kind) => ({
    ...{ kind, code: EVIL, repository: EVIL, repositories: 1, names: [EVIL], detail: EVIL, remedy: EVIL },
    ...{ since: EVIL, call: EVIL, ref: EVIL, wanted: EVIL, installationId: 1, server: EVIL },
  }));
  const held = [{ what: EVIL, until: EVIL }];
  const outages = [{ server: EVIL, since: EVIL, nextProbeAt: EVIL }];
  return {
    ...apiPorts(),
    ranked: () => ({ repositories: [{ ...bad, beats: ["bad"], lags: [1, 2], held: 1 }], total: 1 }),
    activity: () => TYPES.map((type) => ({ ...done, type })),
    get: () => ({ ...bad, checkouts: [checkout] }),
    refs: async () => ({ refs: [{ ref: EVIL, sha: EVIL, provenAt: EVIL }], next: [EVIL], total: 2 }),
    kept: async () => ({ kept: [tip], next: [1, EVIL], total: 2 }),
    keptTip: async () => ({ kept: tip, current: EVIL }),
    holds: () => ({ holds: [hold as never], next: [EVIL], total: 2 }),
    audit: {
      ...apiPorts().audit,
      page: () => ({ audit: [{ ...entry, via: EVIL, status: 200 } as never], next: [1, 1] }),
    },
    readers: () => ({ readers: [{ ...READER, repository: EVIL, reader: EVIL, address: EVIL }], total: 1 }),
    deliveries: () => ({ deliveries: [delivery as never], next: [1, 1] }),
    status: () => ({
      ...status,
      problems: [problem],
      attention,
      repositories: { [EVIL]: 1 },
      queue: { classes: [], depth: 1, held, outages },
    }),
    queue: () => ({
      queue: [{ name: EVIL, subject: "repository", dueAt: EVIL, waitsFor: EVIL } as never],
      total: 1,
      held,
      outages,
    }),
    installations: () => ({
      installations: [{ id: 1, login: EVIL, state: EVIL, lastError: error, heldRemoval: null } as never],
      ...{ next: null, total: 1 },
    }),
    installation: () => {
      const heldRemoval = { repositories: [EVIL], heldAt: EVIL, confirm: EVIL };
      return { id: 1, login: EVIL, state: EVIL, lastError: error, heldRemoval } as never;
    },
  };
}

test("names, refs and error texts from outside are shown as text only", async () => {
  const { get, signIn } = await startPage({ ports: hostile() });
  const cookie = await signIn();
  const query = `?ref=${encodeURIComponent(EVIL)}&name=${encodeURIComponent(EVIL)}`;
  const looks = [
    `/repos/acme/site/restore?kept=${encodeURIComponent(EVIL)}`,
    "/installations/1/confirm-removal",
  ];
  for (const path of looks) expect((await get(path, cookie)).status, path).toBe(200);
  for (const path of [...PAGES, ...looks, `/repos/acme/site${query}`, `/repositories${query}`]) {
    const text = await (await get(path, cookie)).text();
    const ours = /<script src="\/assets[^>]*><\/script>|<img src="\/assets\/[^>]*>/g;
    expect(text.replace(ours, ""), path).not.toMatch(/<script|<img/i);
    expect(text, path).not.toMatch(/(href|src|action)="(?!\/|https:)[^"#]/);
  }
  expect(await (await get("/repos/acme/site", cookie)).text()).toContain("&lt;script&gt;alert(1)");
});

test("only the page's own files are loaded, framing is forbidden, and nothing is cached", async () => {
  const { get, signIn } = await startPage();
  const cookie = await signIn();
  for (const path of [...PAGES, "/sign-in"]) {
    const { headers } = await get(path, cookie);
    if (path === "/nothing-like-it") continue;
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
  }
  const text = await (await get("/", cookie)).text();
  expect(text).not.toMatch(/ style=| on\w+=|<style/);
  const files = new Set([...text.matchAll(/="(\/assets\/[^"]+)"/g)].map(([, path]) => path!));
  expect(files.size).toBe(4);
  for (const file of files) {
    const { status, headers } = await get(file);
    expect([status, headers.get("x-content-type-options")], file).toEqual([200, "nosniff"]);
    expect(headers.get("cache-control")).toContain("immutable");
  }
});

test("refresh, pause and resume are posts that lead back; no link changes anything", async () => {
  const { get, post, signIn, calls } = await startPage();
  const cookie = await signIn();
  for (const action of ["refresh", "pause", "resume", "allow"])
    expect((await get(`/repos/acme/site/${action}`, cookie)).status).toBe(404);
  expect(calls).toEqual([]);
  const back = await post("/repos/acme/site/refresh", { from: "/?state=failing" }, cookie);
  expect([back.status, back.headers.get("location")]).toEqual([303, "/?state=failing"]);
  expect((await post("/repos/acme/site/refresh", { from: "//evil" }, cookie)).headers.get("location")).toBe(
    "/",
  );
  expect((await post("/repos/acme/site/resume", {}, cookie)).status).toBe(409);
  expect((await post("/repos/acme/none/refresh", {}, cookie)).status).toBe(404);
  expect((await post("/repos/acme/site/refresh", {})).status).toBe(401);
  expect((await post("/repos/acme/site/refresh", { from: "x".repeat(20_000) }, cookie)).status).toBe(413);
  expect(calls).toEqual([
    ["refresh", 7],
    ["refresh", 7],
  ]);
});

test("an action that is impossible now is not offered, and is refused when requested", async () => {
  const states = {
    paused: ["resume"],
    fresh: ["refresh", "pause"],
    ...{ gone: [], retired: [] },
  } as const;
  for (const [state, offered] of Object.entries(states)) {
    const calls: unknown[][] = [];
    const pausedAt = state === "paused" ? SITE.lastRefreshAt : null;
    const get: ApiPorts["get"] = () => ({ ...SITE, state: state as RepositoryView["state"], pausedAt });
    const page = await startPage({ ports: { ...apiPorts({}, calls), get } });
    const cookie = await page.signIn();
    const text = await (await page.get("/repos/acme/site", cookie)).text();
    const found = [...text.matchAll(/action="\/repos\/acme\/site\/(\w+)"/g)].map(([, action]) => action);
    expect(found, state).toEqual(offered);
    for (const action of ["refresh", "pause", "resume"]) {
      const { status } = await page.post(`/repos/acme/site/${action}`, {}, cookie);
      expect(status, `${action} ${state}`).toBe((offered as readonly string[]).includes(action) ? 303 : 409);
    }
  }
});

test("a repository with a filter is called partial", async () => {
  const ports = { ...apiPorts(), get: () => ({ ...SITE, filter: "blob:none" as const }) };
  const { get, signIn } = await startPage({ ports });
  const text = await (await get("/repos/acme/site", await signIn())).text();
  expect(text).toMatch(/Partial[\s\S]{0,50}only the contents of published files/);
  expect(text).not.toContain("Shallow");
});

test.each([
  [null, false],
  [3, true],
])("a repository with depth %s is called shallow: %s", async (depth, isSaid) => {
  const { get, signIn } = await startPage({ ports: { ...apiPorts(), get: () => ({ ...SITE, depth }) } });
  const text = await (await get("/repos/acme/site", await signIn())).text();
  expect(/Shallow[\s\S]{0,50}3 commits of each published ref/.test(text)).toBe(isSaid);
});

test("an invalid filter is explained, and the next page keeps a valid one", async () => {
  const { get, signIn, calls } = await startPage();
  const cookie = await signIn();
  for (const path of [
    "/repositories?state=sad",
    "/repositories?page=x",
    "/repositories?order=x",
    "/?span=x",
    "/trends?span=x",
    "/deliveries?outcome=x",
    "/deliveries?repository=acme",
  ]) {
    const answer = await get(path, cookie);
    expect([answer.status, /→ /.test(await answer.text())], path).toEqual([400, true]);
  }
  expect(calls).toEqual([]);
  const text = await (await get("/repositories?state=failing&name=a", cookie)).text();
  const next = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
  expect(next).toBe("/repositories?state=failing&name=a&page=2");
  await get(next!, cookie);
  const wanted = { state: "failing", installationId: null, name: "a", limit: 50 };
  expect(calls.at(-1)).toEqual(["ranked", { ...wanted, isHeld: false, order: "worst", page: 2 }]);
  const moved = await get("/?state=failing", cookie);
  expect([moved.status, moved.headers.get("location")]).toEqual([301, "/repositories?state=failing"]);
});

test("the status, which counts every repository, is cached between views of the page", async () => {
  let asked = 0;
  const status = () => {
    asked += 1;
    return apiPorts().status();
  };
  const { get, signIn } = await startPage({ ports: { ...apiPorts(), status } });
  const cookie = await signIn();
  for (const path of ["/", "/server", "/", "/"]) expect((await get(path, cookie)).status).toBe(200);
  expect(asked).toBe(1);
  const clock = { now: 0 };
  const read = cached(
    3_000,
    () => clock.now,
    () => clock.now,
  );
  const seen = [0, 2_999, 3_000, 5_999, 6_000].map((now) => {
    clock.now = now;
    return read();
  });
  expect(seen).toEqual([0, 0, 3_000, 3_000, 6_000]);
});

test("an internal error is reported only to the log", async () => {
  const fail = () => {
    throw new Error("inner detail");
  };
  const { get, signIn, lines } = await startPage({ ports: { ...apiPorts(), ranked: fail } });
  const answer = await get("/", await signIn());
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("inner detail");
  expect(lines).toMatchObject([{ err: { message: "inner detail" } }]);
  expect(JSON.stringify(lines)).not.toContain(TOKEN);
});

test.each([
  ["fresh", 120, { fresh: 120 }, "All 120 repositories are in step"],
  ["fresh", 1, { fresh: 1 }, "The repository is in step"],
  ["cloning", 31, { fresh: 31, onboarding: 89 }, "Cloning: 31 of 120 repositories done"],
  ["stale", 120, { fresh: 117, failing: 3 }, "3 of 120 repositories are not in step"],
  ["stale", 120, { fresh: 120 }, "All 120 repositories are in step, as far as is known"],
  ["empty", 0, {}, "No repository is mirrored yet"],
] as const)("the page says %s with %i clones in words", async (state, cloned, repositories, text) => {
  const managed = Object.values(repositories).reduce((a, b) => a + b, 0);
  const status = { ...apiPorts().status(), state, mirrors: { managed, cloned }, repositories };
  const { get, signIn } = await startPage({ ports: { ...apiPorts(), status: () => status } });
  for (const path of ["/", "/server"]) {
    const shown = await (await get(path, await signIn())).text();
    const verdict = /data-verdict="">(.*?)<\/(?:h1|span)>/s.exec(shown)?.[1] ?? "";
    expect(verdict.replace(/<[^>]+>/g, "").trim(), path).toBe(text);
  }
});

test("no age on the page is negative, whatever the clock was when a time was stored", async () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const site = {
    ...SITE,
    lastRefreshAt: inAnHour,
    lastProvenAt: inAnHour,
    retiresAt: inAnHour,
    goneAt: inAnHour,
  };
  const ports = {
    ...apiPorts(),
    ranked: () => ({ repositories: [{ ...site, beats: [], lags: [], held: 0 }], total: 1 }),
    get: () => site,
  };
  const { get, signIn } = await startPage({ ports });
  const session = await signIn();
  expect(await (await get("/", session)).text()).not.toMatch(/>in \d/);
  // Only what is yet to come is "in" some time.
  const shown = await (await get("/repos/acme/site", session)).text();
  expect(shown.match(/>in \d+ \w+</g)).toHaveLength(1);
});

test.each(["/nowhere", "/repos/acme/web/unknown"])(
  "%s: whoever is signed in has the navigation, and the address that was asked for in part and as text",
  async (path) => {
    const { get, signIn } = await startPage({ ports: sceneOf("healthy", 3) });
    const headers = { accept: "text/html", ...(await signIn()) };
    const lost = await get(`${path}/${"<b>".repeat(200)}?code=secret`, headers);
    const text = await lost.text();
    expect(lost.status).toBe(404);
    expect(text).toContain("<title>✓ Not found – Lockstep</title>");
    for (const place of ["/", "/repositories", "/deliveries", "/server"])
      expect(text).toMatch(new RegExp(`<nav[^]*href="${place}"[^]*</nav>`));
    const shown = /Nothing is at <code[^>]*>([^<]*)<\/code>/.exec(text)![1]!;
    expect([shown.startsWith(path), shown.length]).toEqual([true, 201]);
    expect(text).not.toMatch(/<b>|secret/);
  },
);

test("a browser on an unknown path is told where it is, the tab of the set-up is led on, and programs are left alone", async () => {
  const { get } = await startPage();
  const browser = { accept: "text/html,application/xhtml+xml" };
  const lost = await get("/nowhere/at/all", browser);
  const text = await lost.text();
  expect([lost.status, text]).toEqual([404, expect.stringMatching(/href="\/">\s*Go to the overview/)]);
  expect(text).toContain("/nowhere/at/all");
  expect(text).not.toMatch(/<nav/);
  for (const path of ["/probot", "/probot/success"]) {
    const led = await get(path, browser);
    expect([led.status, led.headers.get("location")], path).toEqual([302, "/"]);
  }
  const installed = await get("/setup?installation_id=1&setup_action=install", browser);
  expect([installed.status, installed.headers.get("refresh")]).toEqual([200, "0; url=/"]);
  expect(await (await get("/nowhere", { accept: "*/*" })).text()).toBe("");
  expect(await (await get("/api/nothing", browser)).text()).toBe("");
});
