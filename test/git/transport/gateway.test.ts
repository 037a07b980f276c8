import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test, vi } from "vitest";
import { RefreshError } from "../../../src/base/errors.js";
import { createGateway } from "../../../src/git/transport/gateway.js";
import type { Lease } from "../../../src/git/transport/lease.js";
import type { TokenSource } from "../../../src/git/transport/upstream.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const TARGET = { installationId: 7, owner: "acme", name: "app" };
const V2 = "001e# service=git-upload-pack\n0000000eversion 2\n0000";
const PACK = { "content-type": "application/x-git-upload-pack-result" };

async function gatewayTo(origin: string, token: TokenSource = async () => "token-1") {
  const gateway = await createGateway(origin, token);
  onTestFinished(() => gateway.close());
  return { gateway, ...askVia(gateway.open(TARGET)) };
}

/** What a git with this lease asks the gateway. */
function askVia(lease: Lease) {
  const key = lease.config["http.extraHeader"]!.split(": ")[1]!;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(lease.url + path, { ...init, headers: { "x-lockstep-key": key, ...init.headers } });
  const post = (body = "0000") => ask("/git-upload-pack", { method: "POST", body });
  return { lease, ask, post };
}

test("the two git questions are forwarded with the token, and nothing else is", async () => {
  const host = await scriptedHost(answer(200, V2), answer(200, "PACK", PACK));
  const { ask, post } = await gatewayTo(host.origin);
  expect(await (await ask("/info/refs?service=git-upload-pack")).text()).toBe(V2);
  expect(await (await post("want")).text()).toBe("PACK");
  expect(host.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET /acme/app.git/info/refs?service=git-upload-pack",
    "POST /acme/app.git/git-upload-pack",
  ]);
  const basic = `Basic ${btoa("x-access-token:token-1")}`;
  expect(host.asked.map(({ auth }) => auth)).toEqual([basic, basic]);
  for (const path of [
    "/git-receive-pack",
    "/info/refs?service=git-receive-pack",
    "/HEAD",
    "/../../x.git/info/refs",
  ]) {
    expect((await ask(path, { method: path === "/git-receive-pack" ? "POST" : "GET" })).status).not.toBe(200);
  }
  expect(host.asked).toHaveLength(2);
});

test("another node is reached without the proxy for GitHub, and messages about it name it", async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"])
    vi.stubEnv(name, "http://127.0.0.1:9");
  const host = await scriptedHost(answer(200, V2), answer(404));
  const gateway = await createGateway(host.origin, async () => "claim", {
    name: "node b",
    isBehindProxy: false,
  });
  onTestFinished(() => gateway.close());
  const { lease, ask, post } = askVia(gateway.open(TARGET));
  expect((await ask("/info/refs?service=git-upload-pack")).status).toBe(200);
  expect((await post()).status).toBe(502);
  expect(lease.failure()?.message).toBe("node b's git server answered 404");
  const { ask: askGitHub } = await gatewayTo(host.origin);
  expect((await askGitHub("/info/refs?service=git-upload-pack")).status).toBe(502);
});

test("a request without a key, with another's key, or after its fetch is refused", async () => {
  const host = await scriptedHost(answer(200, V2));
  const { gateway, lease, ask } = await gatewayTo(host.origin);
  expect((await fetch(`${lease.url}/info/refs?service=git-upload-pack`)).status).toBe(403);
  const other = gateway.open({ ...TARGET, name: "other" });
  const key = other.config["http.extraHeader"]!.split(": ")[1]!;
  const stolen = await ask("/info/refs?service=git-upload-pack", { headers: { "x-lockstep-key": key } });
  expect(stolen.status).toBe(404);
  lease.close();
  expect((await ask("/info/refs?service=git-upload-pack")).status).toBe(403);
  expect(host.asked).toHaveLength(0);
});

test("the advertisement is asked for once, and again after a failure", async () => {
  const host = await scriptedHost(answer(200, V2), answer(500), answer(200, V2));
  const { ask, post, lease } = await gatewayTo(host.origin);
  await ask("/info/refs?service=git-upload-pack");
  await ask("/info/refs?service=git-upload-pack");
  expect(host.asked).toHaveLength(1);
  expect((await post()).status).toBe(502);
  expect(lease.failure()).toMatchObject({ code: "upstream_error" });
  await ask("/info/refs?service=git-upload-pack");
  expect(host.asked).toHaveLength(3);
});

test.each([
  ["a page in HTML", "<!doctype html><p>Sign in to this network</p>", /something other than git's protocol/],
  ["a flood", "001e".padEnd(65 * 2 ** 20, "x"), /larger than 64 MiB/],
])("%s is no advertisement, and git never sees it", async (_, body, message) => {
  const host = await scriptedHost(answer(200, body, { "content-type": "text/html" }));
  const { ask, lease } = await gatewayTo(host.origin);
  const response = await ask("/info/refs?service=git-upload-pack");
  expect([response.status, await response.text()]).not.toContain(body);
  expect(lease.failure()).toMatchObject({ code: "upstream_error", message: expect.stringMatching(message) });
});

test("a refused token is renewed once, with the same request", async () => {
  const host = await scriptedHost(answer(401), answer(200, "PACK", PACK));
  const asked: boolean[] = [];
  const { post, lease } = await gatewayTo(host.origin, async (_, fresh) => {
    asked.push(fresh);
    return fresh ? "token-2" : "token-1";
  });
  expect((await post("want")).status).toBe(200);
  expect(asked).toEqual([false, true]);
  expect(host.asked.map(({ body }) => body)).toEqual(["want", "want"]);
  expect(lease.failure()).toBeNull();
});

test.each([
  [401, {}, "unauthorized"],
  [403, {}, "forbidden"],
  [403, { "retry-after": "30" }, "rate_limited"],
  [404, {}, "not_found"],
  [429, {}, "rate_limited"],
  [301, { location: "/acme/new.git" }, "moved"],
  [503, {}, "upstream_error"],
])("%i is a typed failure", async (status, headers, code) => {
  const host = await scriptedHost(answer(status, "", headers as Record<string, string>));
  const { post, lease } = await gatewayTo(host.origin);
  await post();
  expect(lease.failure()).toMatchObject({ code });
});

test("a connection closed while idle is replaced by a new one", async () => {
  const host = await scriptedHost(answer(200, "PACK", PACK));
  const { post } = await gatewayTo(host.origin);
  await (await post()).text();
  host.server.closeAllConnections();
  expect(await (await post()).text()).toBe("PACK");
  expect(new Set(host.asked.map(({ port }) => port)).size).toBe(2);
});

test("requests share one warm connection", async () => {
  const host = await scriptedHost(answer(200, "PACK", PACK));
  const { post } = await gatewayTo(host.origin);
  for (let n = 0; n < 5; n++) await (await post()).text();
  expect(new Set(host.asked.map(({ port }) => port)).size).toBe(1);
});

test("a large answer streams with backpressure: memory does not hold it", async () => {
  const chunk = randomBytes(1024 * 1024);
  const total = 192;
  const host = await scriptedHost((_, res) => {
    let left = total;
    const write = () => {
      while (left-- > 0) if (!res.write(chunk)) return void res.once("drain", write);
      res.end();
    };
    write();
  });
  const { post, lease } = await gatewayTo(host.origin);
  const response = await post();
  const before = process.memoryUsage().rss;
  let size = 0;
  let peak = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += part.length;
    peak = Math.max(peak, process.memoryUsage().rss - before);
  }
  expect(size).toBe(total * chunk.length);
  expect(lease.stats.bytes).toBe(size);
  expect(peak).toBeLessThan(96 * 1024 * 1024);
});

test("an abort on either side reaches the other", async () => {
  let upstreamClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    upstreamClosed = resolve;
  });
  const host = await scriptedHost((_, res) => {
    res.once("close", upstreamClosed);
    res.writeHead(200, PACK).write("begin");
  });
  const { post, lease } = await gatewayTo(host.origin);
  const response = await post();
  lease.close();
  await closed;
  await expect(response.text()).rejects.toThrow();
});

test("one repository is asked at most 15 times a second, another is not held up by it", async () => {
  const host = await scriptedHost(answer(200, "PACK", PACK));
  const { gateway, post } = await gatewayTo(host.origin);
  const first = Array.from({ length: 20 }, () => post().then((response) => response.text()));
  await askVia(gateway.open({ ...TARGET, name: "other" })).post();
  const mine = host.asked.filter(({ url }) => url.includes("/app.git"));
  expect(mine.length).toBeLessThanOrEqual(15);
  await Promise.all(first);
  expect(host.asked).toHaveLength(21);
});

test("a lease that waits for a confirmation shows git the advertisement, and asks for no pack before", async () => {
  const host = await scriptedHost(answer(200, V2), answer(200, "PACK", PACK));
  const { gateway, post } = await gatewayTo(host.origin);
  let confirm: () => void = () => {};
  const allowed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  const waiting = askVia(gateway.open({ ...TARGET, name: "waiting" }, { allowed }));
  expect(await (await waiting.ask("/info/refs?service=git-upload-pack")).text()).toBe(V2);
  const pack = waiting.post();
  await post();
  await post();
  const asked = () => host.asked.filter(({ url }) => url === "/acme/waiting.git/git-upload-pack");
  expect(asked()).toEqual([]);
  confirm();
  expect(await (await pack).text()).toBe("PACK");
  expect(asked()).toHaveLength(1);
});

test("a confirmation that fails is the failure of the lease, and no pack is asked for", async () => {
  const host = await scriptedHost(answer(200, "PACK", PACK));
  const { gateway } = await gatewayTo(host.origin);
  const moved = new RefreshError("moved", "acme/app is now another repository's name");
  const { post, lease } = askVia(gateway.open(TARGET, { allowed: Promise.reject(moved) }));
  expect((await post()).status).toBe(502);
  expect(lease.failure()).toBe(moved);
  expect(host.asked).toEqual([]);
});
