import { request, type Server } from "node:http";
import { describe, expect, it } from "vitest";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { createBearers } from "../../src/http/bearer.js";
import type { Handler } from "../../src/http/handler.js";
import { createHealth } from "../../src/http/health.js";
import { mount } from "../../src/http/mount.js";
import { hideCredentials } from "../../src/http/privacy.js";
import { afterThis, listen, serveAll } from "../support/listen.js";

const TOKEN = "0123456789abcdef";

describe("health", () => {
  const details = [{ repository: "acme/secret-plans", reason: "failing: disk_full" }];
  const startHealth = (ok: boolean, apiToken: string | null = TOKEN) =>
    serveAll(
      createHealth({
        bearers: createBearers({ apiToken, trustedProxies: [] }),
        ports: {
          ready: () => ({ ok, ...(!ok && { reason: "stopping" }) }),
          fresh: () => ({
            ...{
              state: ok ? "fresh" : "stale",
              mirrors: { managed: 2, cloned: 2 },
              oldestMs: 99,
              problems: [],
            },
            repositories: ok ? [] : details,
          }),
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
  ])("%s (ok: %s) reveals nothing private", async (path, ok, status, body) => {
    const base = await startHealth(ok);
    for (const authorization of ["", "Bearer wrong"]) {
      const answer = await fetch(base + path, { headers: { authorization } });
      expect([answer.status, await answer.json()]).toEqual([status, body]);
    }
    expect((await fetch(base + path, { method: "HEAD" })).status).toBe(status);
  });

  it("shows a bearer of the token what is wrong", async () => {
    const base = await startHealth(false);
    const get = async (path: string) =>
      (await fetch(base + path, { headers: { authorization: `Bearer ${TOKEN}` } })).json();
    expect(await get("/freshz")).toEqual({
      status: "stale",
      mirrors: { managed: 2, cloned: 2 },
      oldestMs: 99,
      problems: [],
      repositories: details,
    });
    expect(await get("/readyz")).toEqual({ status: "unavailable", reason: "stopping" });
  });

  it("shows no details while there is no token", async () => {
    const base = await startHealth(false, null);
    const answer = await fetch(`${base}/freshz`, { headers: { authorization: "Bearer null" } });
    expect(await answer.json()).toEqual({ status: "stale" });
  });

  it("keeps the answer of /freshz for a moment, whoever asks how often", async () => {
    let counted = 0;
    const fresh = () => {
      counted += 1;
      const mirrors = { managed: 1, cloned: 1 };
      return { state: "fresh" as const, mirrors, oldestMs: null, problems: [], repositories: [] };
    };
    const bearers = createBearers({ apiToken: TOKEN, trustedProxies: [] });
    const base = await serveAll(createHealth({ bearers, ports: { ready: () => ({ ok: true }), fresh } }));
    const answers = await Promise.all(Array.from({ length: 150 }, () => fetch(`${base}/freshz`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(counted).toBeLessThan(10);
  });

  it("limits /readyz and /freshz for each address, and never /healthz", async () => {
    const bearers = createBearers({ apiToken: TOKEN, trustedProxies: [] });
    const limits = { trustedProxies: ["127.0.0.1"], webhookRate: 2, webhookBurst: 0 };
    const state = { state: "fresh" as const, mirrors: { managed: 1, cloned: 1 }, oldestMs: null };
    const fresh = () => ({ ...state, problems: [], repositories: [] });
    const base = await serveAll(
      createHealth({ bearers, ports: { ready: () => ({ ok: true }), fresh }, limits }),
    );
    const ask = (path: string, address: string) =>
      fetch(base + path, { headers: { "x-forwarded-for": address } });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) statuses.push((await ask(n % 2 ? "/readyz" : "/freshz", "192.0.2.1")).status);
    expect(statuses).toContain(429);
    expect((await ask("/freshz", "192.0.2.2")).status).toBe(200);
    for (let n = 0; n < 6; n++) expect((await ask("/healthz", "192.0.2.1")).status).toBe(200);
  });

  it("is not ready when its state cannot be read", async () => {
    const ready = () => {
      throw new Error("database is locked");
    };
    const fresh = () => ({
      ...{ state: "fresh" as const, mirrors: { managed: 1, cloned: 1 } },
      oldestMs: null,
      problems: [],
      repositories: [],
    });
    const base = await serveAll(
      createHealth({
        bearers: createBearers({ apiToken: null, trustedProxies: [] }),
        ports: { ready, fresh },
      }),
    );
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

  it("asks its handlers in order, never Probot's own middleware, and passes the rest to Probot", async () => {
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

  it("keeps idle connections longer than a balancer does", async () => {
    const app = { getNodeMiddleware: null as unknown };
    const servers = new Set<Server>();
    mount(app, [answering("/a", "here")]);
    const handler = await (app.getNodeMiddleware as Middleware)();
    const base = await listen((req, res) => {
      servers.add((req.socket as typeof req.socket & { server: Server }).server);
      void handler(req, res);
    });
    // Node writes the header of the very first answer before any handler runs.
    await fetch(`${base}/a`);
    const { headers } = await fetch(`${base}/a`);
    expect(headers.get("keep-alive")).toBe("timeout=620");
    const [server] = servers;
    expect(server!.headersTimeout).toBeGreaterThan(server!.keepAliveTimeout);
  });

  it("passes on a handler's error, unless the answer has begun", async () => {
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

  it("removes credentials from what is logged, and the API still sees its token", async () => {
    const seen: object[] = [];
    const api = createApi({
      bearers: createBearers({ apiToken: TOKEN, trustedProxies: [] }),
      ports: { list: () => [] } as unknown as ApiPorts,
    });
    const own = await listen(async (req, res) => {
      seen.push({ ...req.headers });
      await api(req, res);
    });
    const stop = hideCredentials();
    afterThis(stop);
    expect(await statusOf(`${own}/api/v1/repos`, secrets)).toBe(200);
    stop();
    await statusOf(`${own}/api/v1/repos`, secrets);
    for (const name of Object.keys(secrets)) expect(seen[0]).not.toHaveProperty(name);
    expect(seen[0]).toHaveProperty("host");
    expect(seen[1]).toMatchObject(secrets);
  });

  /** fetch() does not allow setting a cookie. */
  const statusOf = (url: string, headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(url, { headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      outgoing.on("error", reject).end();
    });
});
