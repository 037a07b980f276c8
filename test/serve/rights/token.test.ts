import { expect, test } from "vitest";
import { rightsWorld, withToken } from "../../support/rights.js";

const NOT_FOUND = { kind: "no", status: 404, retryAfter: null };
const UNAUTHORIZED = { kind: "no", status: 401, retryAfter: null };
const OURS = "lockstep_0123456789";

test("a token reads the mirrors that its patterns name, and says its own name to the log", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.add("other/app", 2);
  world.addToken(OURS, { patterns: ["acme/*"] });
  const granted = { kind: "yes", repositoryId: 1, reader: "name-of-0", way: "token" };
  expect(await world.ask("acme/app", withToken(OURS))).toEqual(granted);
  expect(await world.ask("ACME/App", withToken(OURS))).toEqual(granted);
  expect(await world.ask("other/app", withToken(OURS))).toEqual(NOT_FOUND);
});

test("a forbidden name is answered like an unknown one, before anything depends on what exists", async () => {
  const world = rightsWorld();
  world.add("other/app", 2);
  world.addToken(OURS, { patterns: ["acme/*"] });
  for (const name of ["other/app", "other/none", "acme/none"])
    expect(await world.ask(name, withToken(OURS)), name).toEqual(NOT_FOUND);
  expect([world.log.asked, world.log.confirmed]).toEqual([[], []]);
});

test("a token without the scope git, an unknown one and a revoked one are wrong ones", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.addToken(`${OURS}r`, { scopes: ["read", "operate"] });
  const token = world.addToken(OURS);
  expect(await world.ask("acme/app", withToken(`${OURS}r`))).toEqual(UNAUTHORIZED);
  expect(await world.ask("acme/app", withToken(`${OURS}x`))).toEqual(UNAUTHORIZED);
  expect(await world.ask("acme/app", withToken(OURS))).toMatchObject({ kind: "yes" });
  token.valid = false;
  expect(await world.ask("acme/app", withToken(OURS))).toEqual(UNAUTHORIZED);
});

test("a token that is revoked while its right is looked into opens nothing", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  const token = world.addToken(OURS);
  const answer = world.ask("acme/app", withToken(OURS));
  token.valid = false;
  expect(await answer).toEqual(UNAUTHORIZED);
});

test("patterns are matched against the name that GitHub confirms: a repository that was moved away is closed", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.addToken(OURS, { patterns: ["acme/*"] });
  // It belongs to another owner now, and no delivery has come.
  world.github.repositories.delete("acme/app");
  world.github.repositories.set("secret/app", { id: 1, isPrivate: true, readers: new Set() });
  expect(await world.ask("acme/app", withToken(OURS))).toEqual(NOT_FOUND);
  expect(world.log.doubted).toEqual([1]);
});

test("one confirmation a minute is enough for all readers, unless GitHub reports a change", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.addToken(OURS);
  for (let n = 0; n < 50; n++) await world.ask("acme/app", withToken(OURS));
  expect(world.log.confirmed).toHaveLength(1);
  world.later(60_001);
  await world.ask("acme/app", withToken(OURS));
  expect(world.log.confirmed).toHaveLength(2);
  world.rights.forget(1);
  await world.ask("acme/app", withToken(OURS));
  expect(world.log.confirmed).toHaveLength(3);
});

test("while the name cannot be confirmed nothing is opened", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.addToken(OURS);
  world.github.restDown = true;
  expect(await world.ask("acme/app", withToken(OURS))).toEqual({ kind: "no", status: 503, retryAfter: 9 });
  world.github.restDown = false;
  world.later(1_000);
  expect(await world.ask("acme/app", withToken(OURS))).toMatchObject({ kind: "yes" });
});
