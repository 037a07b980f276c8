import { expect, test } from "vitest";
import { createApi } from "../../src/http/api.js";
import { createRepositoryList } from "../../src/registry/list.js";
import { apiPorts, bearersOf, SITE, TOKEN } from "../support/api.js";
import { cli } from "../support/cli.js";
import { serveAll } from "../support/listen.js";
import { openRegistry } from "../support/registry.js";

test("`lockstep list` follows the pages to the end of the list", async () => {
  const { store, add } = openRegistry();
  store.transaction(() => {
    for (let id = 1; id <= 2_500; id++) add(id, { owner: "acme", name: `r${id}` }, id % 2);
  });
  const pageOf = createRepositoryList(store);
  const asked: unknown[] = [];
  const ports = apiPorts();
  ports.list = (query) => {
    asked.push(query.after);
    const { repositories, ...rest } = pageOf({ ...query, running: [] });
    return {
      ...rest,
      repositories: repositories.map(({ id, owner, name }) => ({ ...SITE, id, owner, name })),
    };
  };
  const LOCKSTEP_URL = await serveAll(createApi({ bearers: bearersOf(), ports }));
  const env = { API_TOKEN: TOKEN, LOCKSTEP_URL };
  const { code, out } = await cli(env, "list");
  const names = out.match(/^acme\/r\d+/gm) ?? [];
  expect([code, names.length, new Set(names).size, asked.length]).toEqual([0, 2_500, 2_500, 3]);
  expect(JSON.parse((await cli(env, "--json", "list", "--state", "failing")).out)).toEqual([]);
  expect(await cli(env, "list", "--state", "sad")).toMatchObject({ code: 2 });
});
