import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { World } from "../support/world.js";

test("a push to a branch is brought by the delivery's word", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  nextSecond(world);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.refreshes().at(-1)).toMatchObject({ repository: "acme/app", trigger: "push", way: "word" });
});

test("branches and tags appear, move by force and go", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const { standin } = world;
  await world.pushed(await standin.commit(repo, "feature/one"));
  await world.inStep(repo);
  await world.pushed(await standin.createTag(repo, "v1", { annotated: true }));
  await world.inStep(repo);
  expect(plainGit(world.mirror(repo), "cat-file", "-t", "refs/tags/v1")).toBe("tag");
  await world.pushed(await standin.forcePush(repo, "feature/one", { orphan: true }));
  await world.inStep(repo);
  await world.pushed(await standin.deleteRef(repo, "refs/tags/v1"));
  await world.pushed(await standin.deleteRef(repo, "refs/heads/feature/one"));
  await world.inStep(repo);
  expect(Object.keys(world.tips(repo))).toEqual(["refs/heads/main"]);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a directory takes the place of a branch and back", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const { standin } = world;
  await world.pushed(await standin.commit(repo, "a"));
  await world.inStep(repo);
  const gone = await standin.deleteRef(repo, "refs/heads/a");
  const nested = await standin.commit(repo, "a/b");
  await world.pushed(nested, gone); // the creation is delivered first
  await world.inStep(repo);
  const back = [await standin.deleteRef(repo, "refs/heads/a/b"), await standin.commit(repo, "a")];
  await world.pushed(...back);
  await world.inStep(repo);
});

test("a directory replaces a branch whose deletion was missed", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const { standin } = world;
  await world.pushed(await standin.commit(repo, "x"));
  await world.inStep(repo);
  await standin.deleteRef(repo, "refs/heads/x");
  await world.pushed(await standin.commit(repo, "x/y"));
  await world.inStep(repo);
  expect(world.log.filter(({ code }) => code === "ref_conflict")).toEqual([]);
});

test("HEAD follows a renamed default branch", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.standin.createBranch(repo, "trunk");
  await world.standin.setDefaultBranch(repo, "trunk");
  await world.standin.deleteRef(repo, "refs/heads/main");
  world.sweep();
  await world.inStep(repo);
  await world.line(({ event, way }) => event === "refreshed" && way === "full");
  expect(plainGit(world.mirror(repo), "symbolic-ref", "HEAD")).toBe("refs/heads/trunk");
});

test("an empty repository becomes an empty mirror, and its first push arrives", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "empty", { empty: true });
  await world.start();
  await world.line(({ event, result }) => event === "refreshed" && result === "cloned");
  expect(world.tips(repo)).toEqual({});
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("10,000 refs are cloned, and one of them moves by itself", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "wide", { manyRefs: 10_000 });
  await world.start(repo);
  expect(Object.keys(world.tips(repo)).length).toBeGreaterThanOrEqual(10_000);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("ten tags without a delivery come with the next backstop pass", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const push = await world.standin.commit(repo, "main");
  for (let n = 1; n <= 10; n++) await world.standin.createTag(repo, `v${n}`, { annotated: n % 2 === 0 });
  await world.pushed(push);
  await world.line(({ event, trigger }) => event === "refreshed" && trigger === "push");
  expect(Object.keys(world.tips(repo))).toEqual(["refs/heads/main"]);
  world.sweep();
  await world.inStep(repo);
  expect(Object.keys(world.tips(repo))).toHaveLength(11);
});

test("sixty branches without a delivery come in one comparison", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  for (let n = 0; n < 60; n++) await world.standin.commit(repo, `missed-${n}`);
  world.sweep();
  await world.inStep(repo);
  expect(Object.keys(world.tips(repo))).toHaveLength(61);
});

test("a push to an unknown repository onboards it", async () => {
  const world = await World.create();
  await world.start(await world.standin.createRepository("acme", "first"));
  const late = await world.standin.createRepository("acme", "late");
  await world.pushed(await world.standin.commit(late, "main"));
  await world.inStep(late);
});

test("a name taken over by another repository never mixes the two", async () => {
  const world = await World.create();
  const first = await world.standin.createRepository("acme", "app");
  await world.start(first);
  world.standin.renameRepository(first, "former-app");
  const second = await world.standin.createRepository("acme", "app");
  await world.standin.commit(second, "only-here");
  await world.pushed(await world.standin.commit(first, "main"), await world.standin.commit(second, "main"));
  await world.inStep(first);
  await world.inStep(second);
  expect(Object.keys(world.tips(first))).toEqual(["refs/heads/main"]);
});

test("a rename is followed when GitHub reports it, and nothing is cloned again", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.renameRepository(repo, "renamed");
  const payload = {
    action: "renamed",
    ...world.standin.payloadFor(await world.standin.commit(repo, "main")),
  };
  const sent = await world.standin.deliverEvent("repository", payload, {
    to: `${world.url}/api/github/webhooks`,
  });
  expect(sent.status).toBe(202);
  await world.inStep(repo);
  expect(world.refreshes().filter(({ result }) => result === "cloned")).toHaveLength(1);
});

test("names are found whatever their case", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("Acme", "App");
  await world.start(repo);
  expect(await (await world.api("/api/v1/repos/aCME/aPP")).json()).toMatchObject({
    owner: "Acme",
    name: "App",
  });
  const push = await world.standin.commit(repo, "main");
  await world.pushed({ ...push, repo: { ...repo, owner: "acme", name: "app" } });
  await world.inStep(repo);
});

test("a repository may lack a ref of REFSPECS", async () => {
  const world = await World.create({ REFSPECS: "refs/heads/nope,refs/heads/*,refs/notes/commits" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("REPOSITORIES leaves repositories out", async () => {
  const world = await World.create({ REPOSITORIES: "acme/*,!acme/secret-*" });
  const wanted = await world.standin.createRepository("acme", "app");
  const unwanted = await world.standin.createRepository("acme", "secret-plans");
  await world.start(wanted);
  expect(await world.deliver(await world.standin.commit(unwanted, "main"))).toBe(204);
  const list = (await (await world.api("/api/v1/repos")).json()) as unknown;
  expect(JSON.stringify(list)).not.toContain("secret-plans");
});

/** GitHub's clock has whole seconds: a push in the second of the clone would be asked for by name. */
function nextSecond({ standin }: World): void {
  standin.strictClock = true;
  for (let ticks = 0; ticks < 3; ticks++) standin.world.tick();
}
