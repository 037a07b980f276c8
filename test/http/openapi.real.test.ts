import { expect, test } from "vitest";
import { AnswerCheck, type Document } from "../support/openapi.js";
import { untilState } from "../support/state.js";
import { World } from "../support/world.js";

const SHA = "a".repeat(40);

async function settled() {
  const world = await World.create({ CHECKOUTS: "acme/*", HISTORY: "keep" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.standin.createRepository("acme", "web");
  await world.start(repo);
  const document = (await (await world.api("/api/v1/openapi.json")).json()) as Document;
  const check = new AnswerCheck(document);
  const faults: string[] = [];
  /** @param route the route's path in the document; the call's own path when it has parameters */
  const ask = async (route: string, path = route.split(" ")[1]!, body?: object) => {
    const [method = "", template = ""] = route.split(" ");
    const init = { method, ...(body && { body: JSON.stringify(body) }) };
    const answer = await world.api(path, init);
    faults.push(...(await check.faults(method, template, answer)));
    return answer.status;
  };
  return { world, repo, document, check, faults, ask };
}

test("the answers of a running Lockstep match the document, refusals included", async () => {
  const { world, repo, check, faults, ask } = await settled();
  const app = "/api/v1/repos/{owner}/{name}";
  const path = "/api/v1/repos/acme/app";
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  const deleted = await world.standin.createBranch(repo, "old");
  await world.pushed(deleted);
  await world.inStep(repo);
  await world.pushed(await world.standin.deleteRef(repo, deleted.ref));
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ state, kept }) => state === "fresh" && kept.length > 0);
  const { kept } = (await (await world.api(path)).json()) as { kept: { name: string }[] };
  const tip = await world.standin.tip(repo, "refs/heads/main");

  const asked = [
    await ask("GET /api/v1/repos"),
    await ask("GET /api/v1/repos", "/api/v1/repos?limit=0"),
    await ask(`GET ${app}`, path),
    await ask(`GET ${app}`, "/api/v1/repos/acme/none"),
    await ask(`GET ${app}`, "/api/v1/repos/-/none"),
    await ask(`GET ${app}/refreshes`, `${path}/refreshes`),
    await ask(`GET ${app}/refs`, `${path}/refs?name=main`),
    await ask(`GET ${app}/kept`, `${path}/kept`),
    await ask(`GET ${app}/changes`, `${path}/changes?limit=1`),
    await ask(`GET ${app}/contains/{sha}`, `${path}/contains/${tip}`),
    await ask(`GET ${app}/contains/{sha}`, `${path}/contains/${SHA}`),
    await ask("GET /api/v1/deliveries"),
    await ask("GET /api/v1/deliveries", "/api/v1/deliveries?outcome=lost"),
    await ask("GET /api/v1/deliveries/{id}", "/api/v1/deliveries/none"),
    await ask("GET /api/v1/queue"),
    await ask("GET /api/v1/status"),
    await ask("GET /api/v1/installations"),
    await ask("POST /api/v1/installations/{id}/confirm-removal", "/api/v1/installations/1/confirm-removal"),
    await ask(`POST ${app}/refresh`, `${path}/refresh?wait=30s`),
    await ask(`POST ${app}/restore`, `${path}/restore?wait=30s`, { kept: kept[0]!.name }),
    await ask(`GET ${app}`, path),
    await ask(`GET ${app}/holds`, `${path}/holds`),
    await ask(`POST ${app}/allow`, `${path}/allow`, { ref: "refs/heads/none" }),
    await ask(`POST ${app}/allow`, `${path}/allow`, { ref: deleted.ref }),
    await ask(`POST ${app}/allow`, `${path}/allow`),
    await ask(`POST ${app}/refresh`, `${path}/refresh`),
    await ask(`POST ${app}/pause`, `${path}/pause`),
    await ask(`POST ${app}/refresh`, `${path}/refresh`),
    await ask(`POST ${app}/resume`, `${path}/resume`),
    await ask(`POST ${app}/resume`, `${path}/resume`),
    await ask("POST /api/v1/tokens", "/api/v1/tokens", {
      name: "ci",
      scopes: ["git"],
      repositories: ["a/*"],
    }),
    await ask("POST /api/v1/tokens", "/api/v1/tokens", { name: "ci", scopes: ["git"] }),
    await ask("POST /api/v1/tokens", "/api/v1/tokens", { name: "ci", scopes: [] }),
    await ask("GET /api/v1/tokens"),
    await ask("POST /api/v1/tokens/{name}/revoke", "/api/v1/tokens/ci/revoke"),
    await ask("POST /api/v1/tokens/{name}/revoke", "/api/v1/tokens/ci/revoke"),
    await ask("GET /api/v1/audit"),
    await ask("GET /api/v1/audit", "/api/v1/audit?limit=0"),
  ];
  expect(faults).toEqual([]);
  expect(asked).toEqual([
    ...[200, 400, 200, 404, 400, 200, 200, 200, 200, 200, 408, 200, 400, 404, 200, 200, 200, 404],
    ...[200, 200, 200, 200, 404, 202, 400, 202, 200, 409, 202, 409],
    ...[201, 409, 400, 200, 200, 404, 200, 400],
  ]);
  expect(check.seen.size).toBeGreaterThan(20);
});

test("the check itself finds an undocumented answer", async () => {
  const { document, check } = await settled();
  const answer = (body: object, status = 200) => Response.json(body, { status });
  const queue = "/api/v1/queue";
  expect(document.paths[queue]).toBeDefined();
  const empty = { queue: [], total: 0, held: [], outages: [] };
  expect(await check.faults("GET", queue, answer(empty))).toEqual([]);
  expect(await check.faults("GET", queue, answer({ ...empty, more: 1 }))).toHaveLength(1);
  expect(await check.faults("GET", queue, answer({ queue: [], held: [], outages: [] }))).toHaveLength(1);
  expect(await check.faults("GET", queue, answer({ ...empty, queue: [{}] }))).not.toEqual([]);
  expect(await check.faults("GET", queue, answer({}, 418))).toHaveLength(1);
});
