import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { apiPorts, bearersOf, MAINTENANCE, OPERATE, SITE, startApi, TOKEN } from "../support/api.js";
import { serveAll } from "../support/listen.js";

describe("the API", () => {
  it("is not served without a token in the configuration", async () => {
    const { call } = await startApi({ apiToken: null });
    for (const authorization of [`Bearer ${TOKEN}`, "Bearer null", "Bearer "]) {
      const answer = await call("/api/v1/repos", "GET", authorization);
      expect([answer.status, await answer.text()]).toEqual([404, ""]);
    }
  });

  it.each(["", "Bearer", "Bearer wrong", `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN])(
    "answers 401 to %j",
    async (authorization) => {
      const { call, calls } = await startApi();
      for (const [path, method] of [["/api/v1/repos"], ["/api/v1/repos/acme/site/refresh", "POST"]]) {
        const answer = await call(path!, method, authorization);
        expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      }
      expect(calls).toEqual([]);
    },
  );

  it("does not answer the webhook's path or paths outside /api/v1", async () => {
    const { call } = await startApi();
    for (const path of ["/api/v1/webhooks/github", "/api/v2/repos", "/api/v1x", "/"]) {
      const answer = await call(path, "POST");
      expect([answer.status, await answer.text()], path).toEqual([404, ""]);
    }
  });

  it("lists repositories and shows one with its heads", async () => {
    const { call } = await startApi();
    const list = await (await call("/api/v1/repos")).json();
    expect(list).toEqual({ repositories: [SITE], next: expect.any(String), total: 2 });
    const one = await call("/api/v1/repos/ACME/Site");
    expect(await one.json()).toEqual({
      ...SITE,
      ...{ heads: { "refs/heads/main": "1".repeat(40) }, kept: [], holds: [] },
      headsProvenAt: { "refs/heads/main": "2024-01-01T00:00:00.000Z" },
      maintenance: MAINTENANCE,
      totals: { heads: 1, kept: 0, holds: 0 },
    });
    expect(one.headers.get("cache-control")).toBe("no-store");
  });

  it("lists a repository's refs, kept tips, holds and changes by pages, and shows only the first of them", async () => {
    const { call, calls } = await startApi();
    const repo = "/api/v1/repos/acme/site";
    await call(repo);
    for (const list of ["refs?name=main&limit=7", "kept", "holds", "changes?limit=1000"])
      expect((await call(`${repo}/${list}`)).status, list).toBe(200);
    expect(calls).toEqual([
      ["refs", 7, { name: null, limit: 1000, after: null }],
      ["kept", 7, { limit: 100, after: null }],
      ["holds", 7, { limit: 100, after: null }],
      ["refs", 7, { name: "main", limit: 7, after: null }],
      ["kept", 7, { limit: 100, after: null }],
      ["holds", 7, { limit: 100, after: null }],
      ["changes", 7, { limit: 1000, after: null }],
    ]);
    for (const list of ["refs", "kept", "holds", "changes"]) {
      expect((await call(`${repo}/${list}?limit=0`)).status, list).toBe(400);
      expect((await call(`${repo}/${list}?cursor=x`)).status, list).toBe(400);
      expect((await call(`/api/v1/repos/acme/none/${list}`)).status, list).toBe(404);
    }
  });

  it("passes on filter and cursor of a page, and refuses invalid ones", async () => {
    const { call, calls } = await startApi();
    const none = { state: null, installationId: null, name: null };
    const { next } = (await (await call("/api/v1/repos?state=&name=")).json()) as { next: string };
    const query = new URLSearchParams({ state: "paused", installation: "3", name: "a*", limit: "7" });
    await call(`/api/v1/repos?${query}&cursor=${next}`);
    await call("/api/v1/installations?limit=1000");
    const filter = { state: "paused", installationId: 3, name: "a*" };
    expect(calls).toEqual([
      ["list", { ...none, limit: 100, after: null }],
      ["list", { ...filter, limit: 7, after: ["acme", "site", 7] }],
      ["installations", { limit: 1000, after: null }],
    ]);
    const bad = [
      "state=sad",
      "installation=x",
      `name=${"a".repeat(141)}`,
      "limit=0",
      "limit=1001",
      "limit=1e3",
    ];
    const cursors = [
      "x",
      Buffer.from("[1,2]").toString("base64url"),
      Buffer.from("{}").toString("base64url"),
    ];
    for (const part of [...bad, ...cursors.map((cursor) => `cursor=${cursor}`)]) {
      const answer = await call(`/api/v1/repos?${part}`);
      expect([answer.status, await answer.json()], part).toEqual([
        400,
        expect.objectContaining({ reason: "bad_request", remedy: expect.any(String) }),
      ]);
    }
    expect(calls).toHaveLength(3);
  });

  it("queues a refresh", async () => {
    const { call, calls } = await startApi();
    const answer = await call("/api/v1/repos/acme/site/refresh", "POST");
    expect([answer.status, await answer.json()]).toEqual([
      202,
      { queued: true, id: 7, owner: "acme", name: "site" },
    ]);
    expect(calls).toEqual([["refresh", 7]]);
  });

  it("waits for a refresh when asked to", async () => {
    const { call, calls } = await startApi();
    const answer = await call("/api/v1/repos/acme/site/refresh?wait=30s", "POST");
    expect([answer.status, await answer.json()]).toEqual([200, { refreshed: true, repository: SITE }]);
    expect(calls).toEqual([
      ["refresh", 7],
      ["settled", 7, 30_000, expect.any(AbortSignal)],
    ]);
  });

  it.each([
    ["timeout" as const, 504, "timeout"],
    [{ ok: false as const, code: "disk_full", hint: "free some space" }, 502, "disk_full"],
  ])("reports the outcome: %j", async (outcome, status, reason) => {
    const { call } = await startApi({ outcome });
    const answer = await call("/api/v1/repos/acme/site/refresh?wait=1s", "POST");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const body = await answer.json();
    expect(body).toMatchObject({ type: "about:blank", status, reason });
    expect(Object.keys(body as object).sort()).toEqual(
      ["detail", "reason", "remedy", "status", "title", "type"].sort(),
    );
  });

  it.each([
    ["GET", "/api/v1/repos/acme/other", 404],
    ["POST", "/api/v1/repos/acme/other/refresh", 404],
    ["GET", "/api/v1/nothing", 404],
    ["GET", "/api/v1/repos/acme/site/refresh", 404],
    ["GET", "/api/v1/repos/acme/x.git", 400],
    ["GET", "/api/v1/repos/acme/..%2f..%2fetc", 400],
    ["POST", "/api/v1/repos/-acme/site/refresh", 400],
    ["POST", "/api/v1/repos/acme/site/refresh?wait=30", 400],
    ["POST", "/api/v1/repos/acme/site/refresh?wait=11m", 400],
  ])("%s %s → %i as a problem", async (method, path, status) => {
    const { call, calls } = await startApi();
    const answer = await call(path, method);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({
      status,
      detail: expect.any(String),
      remedy: expect.any(String),
    });
    expect(calls).toEqual([]);
  });

  it("allows a held change, or restores a kept tip, and requests a refresh", async () => {
    const { post, calls } = await startApi();
    const [ref, wanted, kept] = ["refs/heads/a", "2".repeat(40), "refs/lockstep/kept/1-2/heads/a"];
    expect((await post("allow", JSON.stringify({ ref }))).status).toBe(202);
    expect((await post("allow?wait=1s", JSON.stringify({ ref, wanted }))).status).toBe(200);
    expect((await post("restore", JSON.stringify({ kept }))).status).toBe(202);
    expect(calls).toEqual([
      ...[
        ["allow", 7, ref, undefined],
        ["refresh", 7],
      ],
      ...[
        ["allow", 7, ref, wanted],
        ["refresh", 7],
        ["settled", 7, 1_000, expect.any(AbortSignal)],
      ],
      ...[
        ["restore", 7, kept, undefined],
        ["refresh", 7],
      ],
    ]);
  });

  it("gives the reason for refusing an operator's call, before the refresh and after it", async () => {
    const no = { status: 409, reason: "moved_on", detail: "elsewhere", remedy: "look" };
    const body = JSON.stringify({ ref: "refs/heads/a" });
    const refused = await startApi({ refusal: no });
    expect(await (await refused.post("allow", body)).json()).toMatchObject(no);
    expect(refused.calls).toEqual([["allow", 7, "refs/heads/a", undefined]]);
    const overtaken = await startApi({ stillHeld: no });
    expect(await (await overtaken.post("allow?wait=1s", body)).json()).toMatchObject(no);
  });

  it.each([
    ["allow", ""],
    ["allow", "no json"],
    ["allow", "[]"],
    ["allow", '{"ref":"main"}'],
    ["allow", '{"ref":"refs/heads/a..b"}'],
    ["allow", '{"ref":"refs/heads/a","wanted":"12ab"}'],
    ["allow", '{"ref":"refs/heads/a","force":true}'],
    ["restore", '{"ref":"refs/heads/a"}'],
    ["restore", '{"kept":7}'],
    ["restore?wait=1", '{"kept":"refs/lockstep/kept/x"}'],
  ])("%s with %j changes nothing", async (path, body) => {
    const { post, calls } = await startApi();
    const answer = await post(path, body);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({
        reason: "bad_request",
        detail: expect.any(String),
        remedy: expect.any(String),
      }),
    ]);
    expect(calls).toEqual([]);
    expect((await post(path, " ".repeat(20_000))).status).toBe(413);
  });

  it("answers whether a commit is there, and for how long it waited", async () => {
    const sha = "a1".repeat(20);
    const yes = await startApi({ contains: true });
    const answer = await yes.call(
      `/api/v1/repos/acme/site/contains/${sha.toUpperCase()}?wait=2s&in=checkout`,
    );
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { contains: true, sha, in: "checkout", id: 7, owner: "acme", name: "site" },
    ]);
    expect(yes.calls).toEqual([["contains", 7, sha, "checkout", 2_000]]);
    const no = await startApi();
    const refused = await no.call(`/api/v1/repos/acme/site/contains/${sha}`);
    expect([refused.status, await refused.json()]).toEqual([
      408,
      expect.objectContaining({ reason: "not_there", remedy: SITE.lastError!.hint }),
    ]);
    expect(no.calls).toEqual([["contains", 7, sha, "mirror", 0]]);
  });

  it.each([
    ["site/contains/main", 400],
    ["site/contains/a1b2c3d", 400],
    [`site/contains/${"a".repeat(41)}`, 400],
    [`site/contains/${"a".repeat(40)}?wait=30`, 400],
    [`site/contains/${"a".repeat(40)}?wait=11m`, 400],
    [`site/contains/${"a".repeat(40)}?in=mars`, 400],
    [`none/contains/${"a".repeat(40)}`, 404],
  ])("does not search for %s", async (path, status) => {
    const { call, calls } = await startApi();
    expect((await call(`/api/v1/repos/acme/${path}`)).status).toBe(status);
    expect(calls).toEqual([]);
  });

  it.each([
    ["corrupt", new RefreshError("corrupt", "git for-each-ref exited with 128: /data/repos/7")],
    ["disk_full", Object.assign(new Error("disk I/O"), { code: "SQLITE_FULL" })],
    [
      "permission",
      Object.assign(new Error("no"), { code: "EACCES", path: "/data/repos/7", syscall: "open" }),
    ],
    ["internal", Object.assign(new Error("i/o error"), { code: "EIO", syscall: "read" })],
  ])("answers 503 with the code %s while a mirror or the database cannot be read", async (reason, error) => {
    const ports = {
      ...apiPorts(),
      refs: () => Promise.reject(error),
      kept: () => Promise.reject(error),
      contains: () => Promise.reject(error),
    };
    const base = await serveAll(createApi({ bearers: bearersOf(), ports }));
    const repo = `${base}/api/v1/repos/acme/site`;
    for (const path of [repo, `${repo}/refs`, `${repo}/kept`, `${repo}/contains/${"1".repeat(40)}`]) {
      const answer = await fetch(path, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect(answer.status).toBe(503);
      const body = (await answer.json()) as { remedy: string };
      expect(body).toMatchObject({ reason });
      expect(body.remedy).not.toBe("");
      expect(JSON.stringify(body)).not.toContain("/data");
    }
  });

  it("reveals an internal error only to the log", async () => {
    const lines: object[] = [];
    const fail = () => {
      throw new Error("inner detail");
    };
    const ports: ApiPorts = {
      audit: { begin: fail, end: fail, page: fail },
      tokens: { add: fail, all: fail, revoke: fail },
      readers: fail,
      ...{
        trends: fail,
        idsOf: fail,
        ranked: fail,
        activity: fail,
        beats: fail,
        beginPass: fail,
        refused: fail,
        places: fail,
        subject: fail,
      },
      ...{ list: fail, installations: fail, get: fail, maintenance: fail },
      ...{ deliveries: fail, delivery: fail, refreshes: fail, queue: fail, refresh: fail, settled: fail },
      ...{ refs: fail, kept: fail, holds: fail, changes: fail, keptTip: fail },
      ...{ allow: fail, stillHeld: fail, restore: fail, contains: fail },
      events: { after: fail, bounds: fail, newEvents: new EventEmitter(), stopping: () => false },
      ...OPERATE,
    };
    const log = { error: (fields: object) => void lines.push(fields) };
    const base = await serveAll(createApi({ bearers: bearersOf(), ports, log }));
    const answer = await fetch(`${base}/api/v1/repos`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("inner detail");
    expect(lines).toMatchObject([{ err: { message: "inner detail" } }]);
  });
});
