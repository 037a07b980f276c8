import { expect, test } from "vitest";
import { changed } from "../../tools/standin/index.js";
import { sweepThrough } from "../support/life/quiet.js";
import { passed, type Shown, stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

test("a repository that moved to a suspended installation does not hide the others of its former one", async () => {
  const world = await World.create();
  const { standin } = world;
  const moves = await standin.createRepository("acme", "moves");
  const leaves = await standin.createRepository("acme", "leaves");
  const stays = await standin.createRepository("globex", "stays");
  await world.start(moves, leaves, stays);
  await sweepThrough(world);
  standin.suspendInstallation(stays.installation!);
  standin.transferRepository(moves, stays.installation);
  standin.removeRepository(leaves);
  await sweepThrough(world);
  expect(await stateOf(world, "acme/leaves")).toMatchObject({ state: "gone" });
  expect(await stateOf(world, "acme/moves")).toMatchObject({ state: "suspended" });
  standin.suspendInstallation(stays.installation!, false);
  await sweepThrough(world);
  expect(await stateOf(world, "globex/moves")).toMatchObject({ state: "fresh" });
});

/** Lockstep with a public repository of a suspended installation, and an active installation. */
async function suspended() {
  const world = await World.create();
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const other = await standin.createRepository("globex", "other");
  standin.setPrivate(repo, false);
  await world.start(repo, other);
  await passed(world);
  standin.suspendInstallation(repo.installation!);
  await passed(world);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "suspended" });
  const hook = { to: `${world.url}/api/github/webhooks` };
  return { world, standin, repo, active: other.installation!, hook };
}

test("transferred out of a suspended installation: its event makes it managed", async () => {
  const { world, standin, repo, active, hook } = await suspended();
  standin.transferRepository(repo, active, "globex");
  const event = standin.eventFor("repository", "transferred", { repo, changes: changed.owner("acme", 1) });
  await standin.deliverEvent("repository", event, hook);
  await untilState(world, "globex/app", ({ state, id }) => state === "fresh" && id === repo.id);
  expect((await world.api("/api/v1/repos/acme/app")).status).toBe(404);
});

test("transferred out of a suspended installation: so does a push, even while GitHub fails at first", async () => {
  const { world, standin, repo, active } = await suspended();
  standin.transferRepository(repo, active, "globex");
  standin.faults.restStatus = { status: 503, times: 1, path: "/repos/acme/app/installation" };
  const from = world.log.length;
  await world.pushed(await standin.commit(repo, "main"));
  await world.line(({ event, code }) => event === "refresh_failed" && code === "upstream_error", from);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "suspended" });
  await untilState(world, "globex/app", ({ state, installationId }) =>
    [state === "fresh", installationId === active.id].every(Boolean),
  );
  await world.inStep(repo);
});

test("installed again under the same name: a push of the new installation is not dropped", async () => {
  const { world, standin, repo } = await suspended();
  const former = repo.installation!;
  standin.removeInstallation(former);
  const installation = standin.createInstallation("acme");
  standin.addRepository(repo, installation);
  await world.pushed(await standin.commit(repo, "main"));
  await untilState(world, "acme/app", ({ installationId }) => installationId === installation.id);
  await world.inStep(repo);
});

test("still in the suspended installation, with its name taken by another: it stays suspended", async () => {
  const { world, standin, repo, hook } = await suspended();
  const event = standin.eventFor("repository", "publicized", { repo });
  standin.renameOwner(repo.installation!, "acme-old");
  const taker = await standin.createRepository("acme", "app", {
    installation: standin.createInstallation("acme"),
  });
  const from = world.log.length;
  await standin.deliverEvent("repository", event, hook);
  await world.line(({ event, code }) => event === "refresh_failed" && code === "suspended", from);
  const { repositories } = (await (await world.api("/api/v1/repos")).json()) as Shown;
  expect(repositories.find(({ id }: Shown) => id === repo.id)).toMatchObject({
    state: "suspended",
    installationId: repo.installation!.id,
  });
  await passed(world);
  expect((await stateOf(world, "acme/app")).id).toBe(taker.id);
});
