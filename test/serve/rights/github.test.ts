import { expect, test } from "vitest";
import { basic, rightsWorld, withToken } from "../../support/rights.js";

const NOT_FOUND = { kind: "no", status: 404, retryAfter: null };
const UNAUTHORIZED = { kind: "no", status: 401, retryAfter: null };
const MINUTE = 60_000;

test("a reader gets what GitHub lets its token read, and a token for one repository opens no other", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  world.add("acme/secret", 2, { readers: ["ghs_b"] });
  const granted = {
    kind: "yes",
    repositoryId: 1,
    way: "github",
    reader: expect.stringMatching(/^[\w-]{8}$/),
  };
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual(granted);
  expect(await world.ask("ACME/App", withToken("ghs_a"))).toEqual(granted);
  expect(await world.ask("acme/secret", withToken("ghs_a"))).toEqual(NOT_FOUND);
  expect(await world.ask("acme/secret", withToken("ghs_b"))).toMatchObject({ repositoryId: 2 });
  expect(JSON.stringify(await world.ask("acme/app", withToken("ghs_a")))).not.toContain("ghs_a");
});

test("a private repository is answered like one that does not exist, after the same question to GitHub", async () => {
  const world = rightsWorld();
  world.add("acme/secret", 1, { readers: ["ghs_other"] });
  world.add("acme/hidden", 2, { readers: ["ghs_other"], mirrored: false });
  world.github.tokens.add("ghs_a");
  for (const name of ["acme/secret", "acme/hidden", "acme/none"]) {
    expect(await world.ask(name, withToken("ghs_a")), name).toEqual(NOT_FOUND);
    expect(await world.ask(name), name).toEqual(UNAUTHORIZED);
    expect(await world.ask(name, withToken("ghs_wrong")), name).toEqual(UNAUTHORIZED);
  }
  const count = (name: string) => world.log.asked.filter((line) => line.startsWith(`${name} `)).length;
  expect(["acme/secret", "acme/hidden", "acme/none"].map(count)).toEqual([4, 4, 4]);
  // Nothing was asked with the App's token, which would take time for mirrored names alone.
  expect(world.log.confirmed).toEqual([]);
});

test("a revoked token, or a right that was taken away, ends within five minutes", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  await world.ask("acme/app", withToken("ghs_a"));
  world.github.repositories.get("acme/app")!.readers.delete("ghs_a");
  world.later(5 * MINUTE - 1);
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ kind: "yes" });
  world.later(1);
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual(NOT_FOUND);
  world.github.tokens.delete("ghs_a");
  world.later(15_000);
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual(UNAUTHORIZED);
});

test("a repository that turned private is closed as soon as GitHub reports it, and after five minutes at the latest", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { isPrivate: false });
  world.add("acme/site", 2, { isPrivate: false });
  for (const name of ["acme/app", "acme/site"])
    expect(await world.ask(name)).toMatchObject({ kind: "yes", way: "public", reader: "anyone" });
  for (const repository of world.github.repositories.values()) repository.isPrivate = true;
  world.rights.forget(1);
  expect(await world.ask("acme/app")).toEqual(UNAUTHORIZED);
  expect(await world.ask("acme/site")).toMatchObject({ kind: "yes" });
  world.later(5 * MINUTE);
  expect(await world.ask("acme/site")).toEqual(UNAUTHORIZED);
});

test("a name that a public repository took over does not open the private mirror that had it", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  // GitHub has renamed it and somebody made a public one in its place, and no delivery has come.
  world.github.repositories.delete("acme/app");
  world.github.repositories.set("acme/old-app", { id: 1, isPrivate: true, readers: new Set(["ghs_a"]) });
  world.github.repositories.set("acme/app", { id: 666, isPrivate: false, readers: new Set() });
  world.github.tokens.add("ghs_thief");
  for (const authorization of [null, withToken("ghs_thief"), withToken("ghs_a")])
    expect(await world.ask("acme/app", authorization)).toMatchObject({ kind: "yes", repositoryId: null });
  expect(world.log.doubted).toContain(1);
});

test("a name that is taken over while GitHub is asked is noticed, though it was confirmed a moment before", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  world.github.tokens.add("ghs_thief");
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ repositoryId: 1 });
  world.later(1);
  world.github.before = async () => {
    world.github.repositories.set("acme/app", { id: 666, isPrivate: false, readers: new Set() });
  };
  expect(await world.ask("acme/app", withToken("ghs_thief"))).toMatchObject({ repositoryId: null });
  expect(world.log.confirmed).toEqual([1, 1]);
});

test("a redirect is no yes, and has the name reconciled", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  world.github.answer = { kind: "moved" };
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual(NOT_FOUND);
  expect(world.log.doubted).toEqual([1]);
});

test("however many readers come by a name that was taken over, one reconcile is requested in 15 seconds", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1);
  world.github.repositories.set("acme/app", { id: 666, isPrivate: false, readers: new Set() });
  const askAll = async () => {
    for (let n = 0; n < 20; n++) {
      world.github.tokens.add(`ghs_${world.clock.ms}_${n}`);
      await world.ask("acme/app", withToken(`ghs_${world.clock.ms}_${n}`));
    }
  };
  world.clock.ms = 1;
  world.log.paused.length = 0;
  await Promise.all(Array.from({ length: 3 }, askAll));
  const first = world.log.doubted.length;
  world.later(15_000);
  await world.ask("acme/app");
  expect(first).toBeLessThanOrEqual(1 + Math.ceil(world.clock.ms / 15_000));
  expect(world.log.doubted.every((id) => id === 1)).toBe(true);
  expect(world.log.doubted.length).toBeLessThan(10);
});

test("what is no answer is neither yes nor no, is not remembered, and tells when to come again", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  world.github.down = true;
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual({ kind: "no", status: 503, retryAfter: 7 });
  world.github.down = false;
  world.github.restDown = true;
  expect(await world.ask("acme/app", withToken("ghs_a"))).toEqual({ kind: "no", status: 503, retryAfter: 9 });
  world.github.restDown = false;
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ kind: "yes" });
  // What is known is answered while GitHub is down.
  world.github.down = true;
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ kind: "yes" });
});

test("two hundred readers cost a question for each token, and one confirmation for all that ask at once", async () => {
  const world = rightsWorld();
  const tokens = Array.from({ length: 200 }, (_, n) => `ghs_${n}`);
  world.add("acme/app", 1, { readers: tokens });
  const answers = await Promise.all(
    [...tokens, ...tokens].map((token) => world.ask("acme/app", withToken(token))),
  );
  expect(answers.every((answer) => answer.kind === "yes" && answer.repositoryId === 1)).toBe(true);
  expect(world.log.asked).toHaveLength(200);
  expect(world.log.confirmed.length).toBeLessThan(10);
  for (const token of tokens) await world.ask("acme/app", withToken(token));
  expect(world.log.asked).toHaveLength(200);
});

test("a token that GitHub does not know yet is asked for once more, and a known one is not", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_new"] });
  world.github.tokens.delete("ghs_new");
  let asked = 0;
  world.github.before = async () => {
    asked += 1;
    if (asked === 2) world.github.tokens.add("ghs_new");
  };
  expect(await world.ask("acme/app", withToken("ghs_new"))).toMatchObject({ kind: "yes" });
  expect([asked, world.log.paused[0]]).toEqual([2, 1_000]);
  world.later();
  world.github.tokens.delete("ghs_new");
  expect(await world.ask("acme/app", withToken("ghs_new"))).toEqual(UNAUTHORIZED);
  expect(asked).toBe(3);
});

test("an answer that was on its way when GitHub reported a change is not remembered", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { isPrivate: false });
  world.github.before = async () => {
    world.github.before = async () => {};
    world.rights.forget(1);
  };
  await world.ask("acme/app");
  await world.ask("acme/app");
  expect(world.log.asked).toHaveLength(2);
});

test("an installation's event drops everything", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  await world.ask("acme/app", withToken("ghs_a"));
  world.rights.forget(null);
  await world.ask("acme/app", withToken("ghs_a"));
  expect([world.log.asked.length, world.log.confirmed.length]).toEqual([2, 2]);
});

test("a repository that is not managed any more is not served by what was remembered", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ repositoryId: 1 });
  world.registry.delete(1);
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ repositoryId: null });
});

test("whoever guesses tokens from an address must wait, and known tokens from there need not", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_good"] });
  world.add("acme/site", 2, { readers: ["ghs_good", "ghs_fresh"] });
  await world.ask("acme/app", withToken("ghs_good"));
  for (let n = 0; n < 100; n++)
    expect(await world.ask("acme/app", withToken(`guess-${n}`))).toEqual(UNAUTHORIZED);
  const delays = () => world.log.paused.filter((ms) => ms === 250).length;
  expect(delays()).toBe(0);
  expect(await world.ask("acme/app", withToken("guess"))).toEqual(UNAUTHORIZED);
  expect(delays()).toBe(1);
  for (const name of ["acme/app", "acme/site"])
    expect(await world.ask(name, withToken("ghs_good"))).toMatchObject({ kind: "yes" });
  expect(delays()).toBe(1);
  // Behind the address may be others, whose new tokens are delayed as well, but not refused.
  expect(await world.ask("acme/site", withToken("ghs_fresh"))).toMatchObject({ kind: "yes" });
  expect(delays()).toBe(2);
  const crowd = Array.from({ length: 150 }, (_, n) => world.ask("acme/app", withToken(`more-${n}`)));
  const crowded = (await Promise.all(crowd)).filter((answer) => "status" in answer && answer.status === 503);
  expect(crowded).toHaveLength(50);
  expect(crowded[0]).toEqual({ kind: "no", status: 503, retryAfter: 15 });
  expect(await world.ask("acme/app", withToken("other"), "192.0.2.2")).toEqual(UNAUTHORIZED);
});

test("a good token cannot be used to try out names without end", async () => {
  const world = rightsWorld();
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  await world.ask("acme/app", withToken("ghs_a"));
  for (let n = 0; n < 100; n++) await world.ask(`acme/guess-${n}`, withToken("ghs_a"), `192.0.2.${n}`);
  expect(await world.ask("acme/guess", withToken("ghs_a"))).toMatchObject({ status: 503 });
  expect(await world.ask("acme/app", withToken("ghs_a"))).toMatchObject({ kind: "yes" });
});

test("an office whose git always asks without credentials first is not held back by that", async () => {
  const world = rightsWorld();
  for (let n = 0; n < 150; n++) {
    world.add(`acme/r${n}`, n + 1, { readers: [`ghs_${n}`] });
    expect(await world.ask(`acme/r${n}`)).toEqual(UNAUTHORIZED);
    expect(await world.ask(`acme/r${n}`, withToken(`ghs_${n}`))).toMatchObject({ kind: "yes" });
  }
});

test("names that GitHub does not allow, and headers that are no credentials, ask nobody", async () => {
  const world = rightsWorld();
  for (const name of ["acme/..", "a b/app", "acme/app.git", "/app", "acme/"])
    expect(await world.ask(name, withToken("ghs_a")), name).toEqual(NOT_FOUND);
  for (const header of ["Basic", "Digest x", basic("none"), "Bearer a b"])
    expect(await world.ask("acme/app", header), header).toEqual(UNAUTHORIZED);
  expect(world.log.asked).toEqual([]);
});
