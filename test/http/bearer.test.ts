import { expect, onTestFinished, test, vi } from "vitest";
import { createApi } from "../../src/http/api.js";
import { createAttempts } from "../../src/http/attempts.js";
import { createHealth } from "../../src/http/health.js";
import { createMetricsRoute } from "../../src/http/metrics.js";
import { apiPorts, bearersOf, TOKEN } from "../support/api.js";
import { serveAll } from "../support/listen.js";

const REPOS = "/api/v1/repos";

/** All routes that need the token share one count of wrong tokens. */
async function start(trustedProxies?: string[]) {
  const bearers = bearersOf(TOKEN, trustedProxies);
  const fresh = () => ({
    ...{ state: "fresh" as const, mirrors: { managed: 1, cloned: 1 } },
    oldestMs: 99,
    problems: [],
    repositories: [],
  });
  const base = await serveAll(
    createApi({ bearers, ports: apiPorts() }),
    createMetricsRoute({ bearers, scrape: async () => ({ type: "text/plain", body: "metrics" }) }),
    createHealth({ bearers, ports: { ready: () => ({ ok: true }), fresh } }),
  );
  const get = (path: string, token: string | null, address = "192.0.2.1") =>
    fetch(base + path, {
      headers: { "x-forwarded-for": address, ...(token && { authorization: `Bearer ${token}` }) },
    });
  const statusOf = async (...call: Parameters<typeof get>) => (await get(...call)).status;
  return { get, statusOf };
}

/** The hundred attempts are spread over several routes. */
async function guess(get: (path: string, token: string, address?: string) => Promise<Response>) {
  for (let n = 0; n < 100; n++) {
    const path = [REPOS, "/metrics", "/freshz"][n % 3]!;
    expect((await get(path, `guess-${n}`)).status, `${path} ${n}`).toBe(path === "/freshz" ? 200 : 401);
  }
}

test("after a hundred wrong tokens in five minutes an address gets the time of the next attempt", async () => {
  const { get, statusOf } = await start();
  for (let n = 0; n < 101; n++) expect(await statusOf(REPOS, null)).toBe(401);
  await guess(get);
  for (const path of [REPOS, "/metrics", "/api/v1/nothing"]) {
    const answer = await get(path, "guess");
    const seconds = Number(answer.headers.get("retry-after"));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([429, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({ reason: "too_many_attempts", remedy: expect.any(String) });
    expect(seconds > 200 && seconds <= 300).toBe(true);
  }
  expect(await statusOf(REPOS, null)).toBe(401);
  expect(await statusOf(REPOS, "guess", "192.0.2.2")).toBe(401);
});

test("the right token still works from that address, and probes are answered", async () => {
  const { get, statusOf } = await start();
  await guess(get);
  expect(await statusOf(REPOS, "guess")).toBe(429);
  for (const path of [REPOS, "/metrics", "/freshz"]) expect(await statusOf(path, TOKEN), path).toBe(200);
  expect(await (await get("/freshz", TOKEN)).json()).toMatchObject({ oldestMs: 99 });
  expect(await statusOf(REPOS, "guess")).toBe(429);
  for (const token of [null, "guess"]) {
    const probe = await get("/freshz", token);
    expect([probe.status, await probe.json()]).toEqual([200, { status: "fresh" }]);
  }
});

test("an address that no trusted proxy wrote does not start a new count", async () => {
  const { get, statusOf } = await start([]);
  await guess(get);
  expect(await statusOf(REPOS, "guess", "192.0.2.77")).toBe(429);
});

test("attempts are free again after five minutes, and after a reset", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const attempts = createAttempts(2);
  const take = async () => [await attempts.take("a"), await attempts.take("a"), await attempts.take("a")];
  expect(await take()).toEqual([0, 0, 300]);
  vi.advanceTimersByTime(100_000);
  expect(await attempts.take("a")).toBe(200);
  vi.advanceTimersByTime(200_000);
  expect(await take()).toEqual([0, 0, 300]);
  await attempts.clear("a");
  expect(await attempts.take("a")).toBe(0);
});
