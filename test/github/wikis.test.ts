import { expect, test } from "vitest";
import type { RemoteRepository } from "../../src/base/remote-repository.js";
import { withNock, withTokens } from "../support/github.js";

withNock();

const DATE = "Fri, 27 Nov 2026 12:00:00 GMT";
const AT = Date.parse(DATE) / 1_000;
const repository = (id: number, name: string, has_wiki: boolean) => ({
  ...{ id, name, owner: { login: "acme" }, default_branch: "main", visibility: "internal", archived: true },
  ...{ pushed_at: "2026-01-01T00:00:00Z", topics: ["docs"], has_wiki },
});
const WIKI = {
  ...{ id: 1_000_000_000_001, installationId: 7, owner: "acme", name: "app.wiki", defaultBranch: "master" },
  ...{ pushedAt: AT, visibility: "internal", archived: true, topics: ["docs"] },
};

test("lists have each wiki after its page's repositories, last pushed to at any time up to now", async () => {
  const { host, api } = withTokens({ wikis: true });
  const repositories = [repository(1, "app", true), repository(2, "bare", false)];
  host
    .get("/installation/repositories")
    .query(true)
    .twice()
    .reply(200, { total_count: 2, repositories }, { date: DATE });
  const listed: RemoteRepository[] = [];
  for await (const { value } of api.repositories(7)) listed.push(...value);
  expect(listed.map(({ name }) => name)).toEqual(["app", "bare", "app.wiki"]);
  expect(listed.at(-1)).toEqual(WIKI);
  expect((await api.repositoriesOnPage(7, 1)).value).toEqual(listed);
});

test("a wiki is found by id, on condition, as long as its repository has one", async () => {
  const { host, api } = withTokens({ wikis: true });
  const conditions: (string | undefined)[] = [];
  host
    .get("/repositories/1")
    .times(3)
    .reply(function () {
      conditions.push([this.req.headers["if-none-match"]].flat()[0]);
      if (conditions.length === 1) return [200, repository(1, "app", true), { etag: '"one"', date: DATE }];
      if (conditions.length === 2) return [304, "", { date: "Fri, 27 Nov 2026 12:00:09 GMT" }];
      return [200, repository(1, "app", false), { etag: '"two"', date: DATE }];
    });
  expect((await api.repository(7, WIKI.id))?.value).toEqual(WIKI);
  expect((await api.repository(7, WIKI.id))?.value).toEqual({ ...WIKI, pushedAt: AT + 9 });
  expect(await api.repository(7, WIKI.id)).toBeNull();
  expect(conditions).toEqual([undefined, '"one"', '"one"']);
});

test("by name and for its installation, its repository is asked for", async () => {
  const { host, api } = withTokens({ wikis: true });
  host.get("/repositories/1").reply(200, repository(1, "app", true));
  expect(await api.nameOf(7, WIKI.id)).toEqual({ owner: "acme", name: "app.wiki" });
  host.get("/repos/acme/app").reply(200, repository(1, "app", true));
  expect(await api.repositoryNamed(7, { owner: "acme", name: "app.wiki" })).toMatchObject({ id: WIKI.id });
  host.get("/repos/acme/app/installation").reply(200, { id: 7 });
  expect(await api.installationOf("acme", "app.wiki")).toBe(7);
});
