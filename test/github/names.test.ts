import { expect, test } from "vitest";
import { withNock, withTokens } from "../support/github.js";

withNock();

const repository = (name: string, id = 1) => ({ id, name, owner: { login: "acme" }, default_branch: "main" });

test("a name is asked for on condition, and GitHub's 304 is the last name again", async () => {
  const { host, api } = withTokens();
  const conditions: (string | undefined)[] = [];
  host
    .get("/repositories/1")
    .times(4)
    .reply(function () {
      const condition = [this.req.headers["if-none-match"]].flat()[0];
      conditions.push(condition);
      if (conditions.length === 1) return [200, repository("app"), { etag: '"one"' }];
      if (conditions.length === 3) return [200, repository("new"), { etag: '"two"' }];
      return [304, ""];
    });
  const names = [];
  for (let n = 0; n < 4; n++) names.push((await api.nameOf(7, 1))?.name);
  expect(names).toEqual(["app", "app", "new", "new"]);
  expect(conditions).toEqual([undefined, '"one"', '"one"', '"two"']);
});

test("a repository that the App cannot see, or another in its place, has no name", async () => {
  const { host, api } = withTokens();
  host.get("/repositories/1").reply(404, { message: "Not Found" });
  expect(await api.nameOf(7, 1)).toBeNull();
  host.get("/repositories/1").reply(200, repository("app", 2));
  expect(await api.nameOf(7, 1)).toBeNull();
});

test("a failure is no name", async () => {
  const { host, api } = withTokens();
  host.get("/repositories/1").reply(502, "");
  await expect(api.nameOf(7, 1)).rejects.toMatchObject({ code: "upstream_error" });
});
