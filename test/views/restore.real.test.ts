import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { compare, force, MAIN, post, refreshed, shown, worldWith } from "../support/history.js";

test("a kept tip is restored and held until GitHub's value is allowed", async () => {
  const { world, repo, standin } = await worldWith();
  const push = await standin.forcePush(repo, "main", force);
  await world.pushed(push);
  await world.inStep(repo);
  const { name } = (await shown(world, repo)).kept[0]!;
  expect(await post(world, repo, "restore", { kept: `${name}x` })).toMatchObject({ status: 404 });
  expect(await post(world, repo, "restore?wait=30s", { kept: name })).toMatchObject({ status: 200 });
  expect(world.tips(repo)[MAIN]).toBe(push.before);
  const next = await standin.commit(repo, "main");
  await refreshed(world, () => world.pushed(next));
  const during = await shown(world, repo);
  expect(during).toMatchObject({
    state: "failing",
    holds: [{ ref: MAIN, tip: push.before, wanted: next.after, cause: "restored" }],
  });
  expect(during.kept.map(({ sha }) => sha)).toEqual([push.after, push.before]);
  expect(await post(world, repo, "allow?wait=30s", { ref: MAIN })).toMatchObject({ status: 200 });
  await world.inStep(repo);
  expect(await shown(world, repo)).toMatchObject({ state: "fresh", holds: [] });
});

test("an older tip of the same line stays, though GitHub moves on from it", async () => {
  const { world, repo, standin } = await worldWith();
  const first = await standin.commit(repo, "main");
  await world.pushed(first);
  await world.inStep(repo);
  await world.pushed(await standin.forcePush(repo, "main", first.before));
  await world.inStep(repo);
  const { kept } = await shown(world, repo);
  await standin.forcePush(repo, "main", first.after);
  await standin.commit(repo, "main");
  await compare(world, repo);
  expect(await post(world, repo, "restore?wait=30s", { kept: kept[0]!.name })).toMatchObject({
    status: 200,
  });
  await refreshed(world, async () => world.pushed(await standin.commit(repo, "main")));
  expect(world.tips(repo)[MAIN]).toBe(first.after);
});

test("the hold ends when the kept tip is pushed back to GitHub, with the command shown", async () => {
  const { world, repo, standin } = await worldWith();
  const side = await standin.commit(repo, "a'$(id)");
  await world.pushed(side);
  await world.inStep(repo);
  const push = await standin.forcePush(repo, "a'$(id)", force);
  await world.pushed(push);
  await world.inStep(repo);
  const kept = (await shown(world, repo)).kept[0]!;
  await post(world, repo, "restore?wait=30s", { kept: kept.name });

  const command = (await shown(world, repo)).kept.find(({ name }) => name === kept.name)!.push;
  const url = `${standin.url}/acme/app.git`;
  expect(command).toContain(` ${url} `);
  execFileSync("sh", ["-c", command.replace(url, repo.dir)], { stdio: "pipe" });
  await compare(world, repo);
  await world.inStep(repo);
  expect(await standin.tip(repo, side.ref)).toBe(push.before);
  expect((await shown(world, repo)).holds).toEqual([]);
});

test("a deleted branch is refused while another one has its place", async () => {
  const { world, repo, standin } = await worldWith();
  const first = await standin.commit(repo, "a");
  await world.pushed(first);
  await world.inStep(repo);
  await world.pushed(await standin.deleteRef(repo, first.ref), await standin.commit(repo, "a/b"));
  await world.inStep(repo);
  const { name } = (await shown(world, repo)).kept[0]!;
  expect(await post(world, repo, "restore", { kept: name })).toMatchObject({
    status: 409,
    body: { reason: "ref_in_the_way" },
  });
  await world.pushed(await standin.deleteRef(repo, "refs/heads/a/b"));
  await world.inStep(repo);
  await post(world, repo, "restore", { kept: name });
  await standin.commit(repo, "a/c");
  await compare(world, repo);
  // The first of the two in the mirror stays, and the other causes no failure.
  expect(Object.keys(world.tips(repo))).toHaveLength(2);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});
