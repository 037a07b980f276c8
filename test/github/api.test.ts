import nock from "nock";
import { expect, test } from "vitest";
import type { RefreshError } from "../../src/base/errors.js";
import { API, github, withNock } from "../support/github.js";

withNock();

const host = () => nock(API);
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const mints = (times = 1, token = "ghs_one") =>
  host()
    .post("/app/installations/7/access_tokens")
    .times(times)
    .reply(201, { token, expires_at: inAnHour() });

const repository = (id: number, more: object = {}) => ({
  id,
  name: `r${id}`,
  owner: { login: "acme" },
  default_branch: "main",
  pushed_at: "2026-01-02T03:04:05Z",
  ...more,
});

test("a token is minted once for everyone who waits, with read permissions alone", async () => {
  let body: unknown;
  host()
    .post("/app/installations/7/access_tokens", (sent) => {
      body = sent;
      return true;
    })
    .reply(201, { token: "ghs_one", expires_at: inAnHour() });
  const api = github();
  const tokens = await Promise.all([api.token(7), api.token(7), api.token(7)]);
  expect(tokens).toEqual(["ghs_one", "ghs_one", "ghs_one"]);
  expect(await api.token(7)).toBe("ghs_one");
  expect(body).toEqual({ permissions: { contents: "read", metadata: "read" } });
});

test("a refused token is replaced, once for all refused callers", async () => {
  mints();
  mints(1, "ghs_two");
  const api = github();
  await api.token(7);
  expect(await Promise.all([api.token(7, true), api.token(7, true)])).toEqual(["ghs_two", "ghs_two"]);
  expect(await api.token(7)).toBe("ghs_two");
});

const answers = (token: string, status: number, body: object) =>
  host().get("/repositories/1").matchHeader("authorization", `token ${token}`).reply(status, body);
const REFUSED = { message: "Bad credentials" };

test("a call whose token GitHub refuses is made once more with another one, minted once for all", async () => {
  mints();
  mints(1, "ghs_two");
  const api = github();
  await api.token(7);
  answers("ghs_one", 401, REFUSED);
  answers("ghs_one", 401, REFUSED);
  answers("ghs_two", 200, repository(1));
  answers("ghs_two", 200, repository(1));
  const repositories = await Promise.all([api.repository(7, 1), api.repository(7, 1)]);
  expect(repositories.map((it) => it?.value.name)).toEqual(["r1", "r1"]);
  expect(await api.token(7)).toBe("ghs_two");
  expect(nock.isDone()).toBe(true);
});

test("a new token that is refused too is not replaced by a third", async () => {
  mints();
  mints(1, "ghs_two");
  answers("ghs_one", 401, REFUSED);
  answers("ghs_two", 401, REFUSED);
  await expect(github().repository(7, 1)).rejects.toMatchObject({ code: "unauthorized" });
});

test.each([
  [404, "Not Found", "not_found"],
  [403, "This installation has been suspended", "suspended"],
])("a token is refused, and minting says %i: the list says so", async (status, message, code) => {
  mints();
  host().get("/installation/repositories").query(true).reply(401, REFUSED);
  host().post("/app/installations/7/access_tokens").reply(status, { message });
  const list = github().repositories(7)[Symbol.asyncIterator]();
  await expect(list.next()).rejects.toMatchObject({ code });
});

test("repositories are read a hundred at a time, with GitHub's clock", async () => {
  mints();
  const page = (n: number, count: number) =>
    host()
      .get("/installation/repositories")
      .query({ per_page: 100, page: n })
      .matchHeader("authorization", "token ghs_one")
      .reply(
        200,
        { total_count: 130, repositories: Array.from({ length: count }, (_, i) => repository(n * 1000 + i)) },
        {
          date: "Fri, 02 Jan 2026 03:04:15 GMT",
          ...(n < 3 ? { link: `<https://api.github.com/x?page=${n + 1}>; rel="next"` } : {}),
        },
      );
  page(1, 100);
  // A page can be short without being the last one.
  page(2, 99);
  page(3, 30);
  const pages = [];
  for await (const page of github().repositories(7)) pages.push(page);
  expect(pages.map(({ value }) => value.length)).toEqual([100, 99, 30]);
  expect(pages[0]?.at).toBe(Date.parse("2026-01-02T03:04:15Z") / 1000);
  expect(pages[0]?.value[0]).toEqual({
    id: 1000,
    installationId: 7,
    owner: "acme",
    name: "r1000",
    defaultBranch: "main",
    visibility: null,
    archived: null,
    pushedAt: Date.parse("2026-01-02T03:04:05Z") / 1000,
  });
});

test("custom properties come with a repository; people have none, and an older server does not say", async () => {
  mints();
  const given = { tier: "1", team: ["web", "docs"], unset: null };
  const answer = (id: number, more: object) =>
    host().get(`/repositories/${id}`).reply(200, repository(id, more));
  answer(1, { owner: { login: "acme", type: "Organization" }, custom_properties: given });
  answer(2, { owner: { login: "mona", type: "User" } });
  answer(3, { owner: { login: "acme", type: "Organization" } });
  const api = github();
  const found = [];
  for (const id of [1, 2, 3]) found.push((await api.repository(7, id))?.value.properties);
  expect(found).toEqual([{ tier: ["1"], team: ["web", "docs"] }, {}, undefined]);
});

test("the custom properties of an organisation are read with a token for them alone", async () => {
  let asked: unknown;
  host()
    .post("/app/installations/7/access_tokens", (sent) => {
      asked = sent;
      return true;
    })
    .reply(201, { token: "ghs_properties", expires_at: inAnHour() });
  const page = (number: number, ids: number[], headers = {}) =>
    host()
      .get("/orgs/acme/properties/values")
      .query({ per_page: 100, page: number })
      .matchHeader("authorization", "token ghs_properties")
      .reply(
        200,
        ids.map((id) => ({ repository_id: id, properties: [{ property_name: "tier", value: "1" }] })),
        headers,
      );
  page(1, [1, 2], { link: `<${API}/orgs/acme/properties/values?page=2>; rel="next"` });
  page(2, [3]);
  expect([...(await github().properties(7, "acme"))]).toEqual([1, 2, 3].map((id) => [id, { tier: ["1"] }]));
  expect(asked).toEqual({ permissions: { organization_custom_properties: "read" } });
});

test("a repository that is not there is null, one that was never pushed to has time 0", async () => {
  mints();
  host().get("/repositories/1").reply(404, { message: "Not Found" });
  host()
    .get("/repositories/2")
    .reply(200, repository(2, { pushed_at: null }));
  const api = github();
  expect(await api.repository(7, 1)).toBeNull();
  expect((await api.repository(7, 2))?.value.pushedAt).toBe(0);
});

test.each([
  [401, {}, "Bad credentials", "unauthorized", "backoff"],
  [
    403,
    { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 90) },
    "API rate limit exceeded",
    "rate_limited",
    "after",
  ],
  [403, { "retry-after": "30" }, "You have exceeded a secondary rate limit", "rate_limited", "after"],
  [403, {}, "You have exceeded a secondary rate limit", "rate_limited", "after"],
  [403, {}, "This installation has been suspended", "suspended", "never"],
  [403, {}, "Resource not accessible by integration", "forbidden", "backoff"],
  [502, {}, "Server Error", "upstream_error", "backoff"],
])("%i %j %s is %s", async (status, headers, message, code, kind) => {
  host()
    .get("/app/installations")
    .query(true)
    .reply(status, { message }, headers as Record<string, string>);
  await expect(github().installations()).rejects.toMatchObject({ code, retry: { kind } });
});

test.each([
  ["by GitHub's clock, not the one here", { "x-ratelimit-reset": "1767323145" }, 90_000],
  ["a minute when GitHub does not say until when", {}, 60_000],
])("a used-up limit is waited for %s", async (_, reset, ms) => {
  const headers = { "x-ratelimit-remaining": "0", date: "Fri, 02 Jan 2026 03:04:15 GMT", ...reset };
  host().get("/app/installations").query(true).reply(403, { message: "API rate limit exceeded" }, headers);
  await expect(github().installations()).rejects.toMatchObject({ retry: { kind: "after", ms } });
});

test("no route to GitHub is a failure that is tried again, without the token in it", async () => {
  mints();
  host()
    .get("/repositories/1")
    .replyWithError(Object.assign(new Error("connect"), { code: "ECONNREFUSED" }));
  const error = await github()
    .repository(7, 1)
    .catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "unreachable" });
  expect(JSON.stringify(error)).not.toContain("ghs_one");
});

test("the webhook's URL is set by the App, and never becomes the address asked", async () => {
  let sent: unknown;
  host()
    .patch("/app/hook/config", (body) => {
      sent = body;
      return true;
    })
    .reply(200, {});
  await github().setWebhookUrl("https://lockstep.example.com/api/github/webhooks");
  expect(sent).toEqual({ url: "https://lockstep.example.com/api/github/webhooks", content_type: "json" });
});

test("an answer counts from before its question: what changed while it was on its way is not in it", async () => {
  mints();
  let cameAt = 0;
  host()
    .get("/repositories/1")
    .reply(async () => {
      cameAt = Date.now();
      await expect.poll(Date.now).toBeGreaterThan(cameAt);
      return [200, repository(1)];
    });
  const answer = await github().repository(7, 1);
  expect(answer!.askedAt).toBeLessThanOrEqual(cameAt);
});

const PAGE = "<!doctype html><title>Suspended</title><p>This page is suspended. secret=hunter2</p>";

test.each([
  ["a page in HTML", 502, "text/html", PAGE, "GitHub's API answered 502"],
  ["a page that speaks of suspension", 403, "text/html", PAGE, "GitHub's API answered 403"],
  ["text", 500, "text/plain", "upstream connect error", "GitHub's API answered 500"],
  ["JSON without a message", 500, "application/json", '{"html": "<p>"}', "GitHub's API answered 500"],
  [
    "JSON whose message is none",
    500,
    "application/json",
    '{"message": {"a": 1}}',
    "GitHub's API answered 500",
  ],
  ["broken JSON", 500, "application/json", '{"message": "<p>', "GitHub's API answered 500"],
  ["a page as a success", 200, "text/html", PAGE, "GitHub's API answered 200 with text/html, not with JSON"],
  [
    "broken JSON as a success",
    200,
    "application/json",
    "<p>",
    "GitHub's API gave an answer that is not GitHub's",
  ],
])("%s is not shown as a message of GitHub's", async (_, status, type, body, message) => {
  host().get("/app/installations").query(true).reply(status, body, { "content-type": type });
  const failure = await github()
    .installations()
    .catch((error: unknown) => error as RefreshError);
  expect(failure).toMatchObject({ code: status === 403 ? "forbidden" : "upstream_error", message });
});

test("a message of GitHub's is one line of a bounded length", async () => {
  const message = `Server\n\u001b[31mError ${"x".repeat(1_000)}`;
  host().get("/app/installations").query(true).reply(500, { message });
  const failure = await github()
    .installations()
    .catch((error: unknown) => error as RefreshError);
  expect((failure as RefreshError).message).toMatch(
    /^GitHub's API answered 500: Server \[31mError x{100,190}…$/,
  );
});
