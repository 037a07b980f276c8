import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type ApiPorts, createApi, type RepositoryView, type SettledOutcome } from "../../src/http/api.js";
import { createHealth } from "../../src/http/health.js";
import { type Handler, mount } from "../../src/http/mount.js";
import { hideCredentials } from "../../src/http/privacy.js";

const TOKEN = "0123456789abcdef";
const releasers: (() => void)[] = [];
afterEach(() => {
  for (const release of releasers.splice(0).reverse()) release();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  releasers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Serves handlers in the way Probot's server does: the first true ends it, then its plain 404. */
const serveAll = (...handlers: Handler[]) =>
  listen(async (req, res) => {
    for (const handler of handlers) if (await handler(req, res)) return;
    res.writeHead(404).end();
  });

const SITE: RepositoryView = {
  ...{ id: 7, owner: "acme", name: "site", state: "failing", defaultBranch: "main", installationId: 3 },
  ...{ queued: false, running: false, lagMs: 40, pushedAt: null },
  ...{ lastRefreshAt: "2024-01-01T00:00:00.000Z", lastFullAt: null, lastProvenAt: null },
  lastError: { code: "disk_full", message: "No space left", hint: "free some space", at: "", attempt: 2 },
};

async function startApi(options: { apiToken?: string | null; outcome?: SettledOutcome } = {}) {
  const calls: unknown[][] = [];
  const ports: ApiPorts = {
    list: () => [SITE],
    get: (owner, name) => (`${owner}/${name}`.toLowerCase() === "acme/site" ? SITE : null),
    heads: async () => ({ "refs/heads/main": "1".repeat(40) }),
    refresh: (...args) => void calls.push(["refresh", ...args]),
    settled: async (...args) => {
      calls.push(["settled", ...args]);
      return options.outcome ?? { ok: true };
    },
  };
  const { apiToken = TOKEN } = options;
  const base = await serveAll(createApi({ apiToken, ports }));
  const call = (path: string, method = "GET", authorization: string | undefined = `Bearer ${TOKEN}`) =>
    fetch(base + path, { method, ...(authorization && { headers: { authorization } }) });
  return { call, calls, base };
}

describe("the API", () => {
  it("is not there without a token in the configuration", async () => {
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

  it("leaves the webhook's path and everything outside /api/v1 alone", async () => {
    const { call } = await startApi();
    for (const path of ["/api/v1/webhooks/github", "/api/v2/repos", "/api/v1x", "/"]) {
      const answer = await call(path, "POST");
      expect([answer.status, await answer.text()], path).toEqual([404, ""]);
    }
  });

  it("lists repositories and shows one with its heads", async () => {
    const { call } = await startApi();
    expect(await (await call("/api/v1/repos")).json()).toEqual({ repositories: [SITE] });
    const one = await call("/api/v1/repos/ACME/Site");
    expect(await one.json()).toEqual({ ...SITE, heads: { "refs/heads/main": "1".repeat(40) } });
    expect(one.headers.get("cache-control")).toBe("no-store");
  });

  it("queues a refresh", async () => {
    const { call, calls } = await startApi();
    const answer = await call("/api/v1/repos/acme/site/refresh?full=true", "POST");
    expect([answer.status, await answer.json()]).toEqual([
      202,
      { queued: true, id: 7, owner: "acme", name: "site" },
    ]);
    await call("/api/v1/repos/acme/site/refresh", "POST");
    expect(calls).toEqual([
      ["refresh", 7, true],
      ["refresh", 7, false],
    ]);
  });

  it("waits for a refresh when asked to", async () => {
    const { call, calls } = await startApi();
    const answer = await call("/api/v1/repos/acme/site/refresh?wait=30s", "POST");
    expect([answer.status, await answer.json()]).toEqual([200, { refreshed: true, repository: SITE }]);
    expect(calls).toEqual([
      ["refresh", 7, false],
      ["settled", 7, 30_000],
    ]);
  });

  it.each([
    ["timeout" as const, 504, "timeout"],
    [{ ok: false as const, code: "disk_full", hint: "free some space" }, 502, "disk_full"],
  ])("tells how it ended: %j", async (outcome, status, reason) => {
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
    ["POST", "/api/v1/repos/acme/site/refresh?full=yes", 400],
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

  it("tells nothing of a fault but to the log", async () => {
    const lines: object[] = [];
    const fail = () => {
      throw new Error("inner detail");
    };
    const ports: ApiPorts = { list: fail, get: fail, heads: fail, refresh: fail, settled: fail };
    const log = { error: (fields: object) => void lines.push(fields) };
    const base = await serveAll(createApi({ apiToken: TOKEN, ports, log }));
    const answer = await fetch(`${base}/api/v1/repos`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("inner detail");
    expect(lines).toMatchObject([{ err: { message: "inner detail" } }]);
  });
});

describe("health", () => {
  const details = [{ repository: "acme/secret-plans", reason: "failing: disk_full" }];
  const startHealth = (ok: boolean, apiToken: string | null = TOKEN) =>
    serveAll(
      createHealth({
        apiToken,
        ports: {
          ready: () => ({ ok, ...(!ok && { reason: "stopping" }) }),
          fresh: () => ({ ok, oldestMs: 99, details: ok ? [] : details }),
        },
      }),
    );

  it.each([
    ["/healthz", true, 200, { status: "ok" }],
    ["/healthz", false, 200, { status: "ok" }],
    ["/readyz", true, 200, { status: "ok" }],
    ["/readyz", false, 503, { status: "unavailable" }],
    ["/freshz", true, 200, { status: "fresh" }],
    ["/freshz", false, 503, { status: "stale" }],
  ])("%s (ok: %s) says nothing private", async (path, ok, status, body) => {
    const base = await startHealth(ok);
    for (const authorization of ["", "Bearer wrong"]) {
      const answer = await fetch(base + path, { headers: { authorization } });
      expect([answer.status, await answer.json()]).toEqual([status, body]);
    }
    expect((await fetch(base + path, { method: "HEAD" })).status).toBe(status);
  });

  it("tells a bearer of the token what is wrong", async () => {
    const base = await startHealth(false);
    const get = async (path: string) =>
      (await fetch(base + path, { headers: { authorization: `Bearer ${TOKEN}` } })).json();
    expect(await get("/freshz")).toEqual({ status: "stale", oldestMs: 99, repositories: details });
    expect(await get("/readyz")).toEqual({ status: "unavailable", reason: "stopping" });
  });

  it("tells nobody while there is no token", async () => {
    const base = await startHealth(false, null);
    const answer = await fetch(`${base}/freshz`, { headers: { authorization: "Bearer null" } });
    expect(await answer.json()).toEqual({ status: "stale" });
  });

  it("is not ready when that cannot be told", async () => {
    const ready = () => {
      throw new Error("database is locked");
    };
    const fresh = () => ({ ok: true, oldestMs: null, details: [] });
    const base = await serveAll(createHealth({ apiToken: null, ports: { ready, fresh } }));
    const answer = await fetch(`${base}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([503, { status: "unavailable" }]);
  });
});

describe("mount", () => {
  type Middleware = () => Promise<Handler>;
  const answering =
    (path: string, name: string): Handler =>
    async (req, res) => {
      if (req.url !== path) return false;
      res.end(name);
      return true;
    };

  it("asks its handlers in order, never Probot's own middleware, and leaves the rest to Probot", async () => {
    const app = {
      async getNodeMiddleware(): Promise<Handler> {
        throw new Error("Probot's own");
      },
    };
    mount(app, [answering("/a", "first"), answering("/a", "second"), answering("/b", "third")]);
    const base = await serveAll(await (app.getNodeMiddleware as Middleware)());
    const answers = await Promise.all(["/a", "/b", "/c"].map((path) => fetch(base + path)));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(["first", "third", ""]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404]);
  });

  it("hands on a handler's error, unless the answer has begun", async () => {
    const outcomes: string[] = [];
    const app = { getNodeMiddleware: null as unknown };
    mount(app, [
      async (req, res) => {
        if (req.url === "/late") res.writeHead(200).write("begun");
        throw new Error("fault");
      },
    ]);
    const handler = await (app.getNodeMiddleware as Middleware)();
    const base = await listen((req, res) => {
      handler(req, res).then(
        (done) => outcomes.push(`done: ${done}`),
        (error: Error) => {
          outcomes.push(error.message);
          res.writeHead(500).end();
        },
      );
    });
    expect((await fetch(`${base}/early`)).status).toBe(500);
    await expect(fetch(`${base}/late`).then((answer) => answer.text())).rejects.toThrow();
    expect(outcomes).toEqual(["fault", "done: true"]);
  });
});

describe("hideCredentials", () => {
  const secrets = {
    authorization: `Bearer ${TOKEN}`,
    cookie: "session=1",
    "proxy-authorization": "Basic eA==",
  };

  it("takes credentials off what is logged, and the API still sees its token", async () => {
    const seen: object[] = [];
    const { base } = await startApi();
    const api = createApi({ apiToken: TOKEN, ports: { list: () => [] } as unknown as ApiPorts });
    const own = await listen(async (req, res) => {
      seen.push({ ...req.headers });
      await api(req, res);
    });
    const stop = hideCredentials();
    releasers.push(stop);
    expect(await statusOf(`${own}/api/v1/repos`, secrets)).toBe(200);
    expect(await statusOf(`${base}/api/v1/repos`, secrets)).toBe(200);
    stop();
    await statusOf(`${own}/api/v1/repos`, secrets);
    for (const name of Object.keys(secrets)) expect(seen[0]).not.toHaveProperty(name);
    expect(seen[0]).toHaveProperty("host");
    expect(seen[1]).toMatchObject(secrets);
  });

  /** fetch() lets nobody set a cookie. */
  const statusOf = (url: string, headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(url, { headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      outgoing.on("error", reject).end();
    });
});
