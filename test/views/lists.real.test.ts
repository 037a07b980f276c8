import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { compare, force, MAIN, refreshed, refusedPush, worldWith } from "../support/history.js";
import type { World } from "../support/world.js";

// biome-ignore lint/suspicious/noExplicitAny: what a client gets is JSON
type Answer = any;

const get = async (world: World, rest: string): Promise<Answer> =>
  (await world.api(`/api/v1/repos/acme/app${rest}`)).json();

/** Reads a list by pages of two. @returns the pages, and `total` of each */
async function pages(world: World, list: string, query = ""): Promise<Answer[][]> {
  const found: Answer[][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const answer: Answer = await get(world, `/${list}?limit=2&cursor=${cursor}${query}`);
    found.push(answer[list]);
    cursor = answer.next;
  }
  return found;
}

test("refs come by pages in the order of their names, whatever the names are", async () => {
  const { world, repo } = await worldWith();
  const tip = world.tips(repo)[MAIN]!;
  // git sorts by bytes, in which the last two are the other way round than in UTF-16.
  const names = ["a", "b/c", "\uff5e", "\u{1f600}"].map((name) => `refs/heads/${name}`);
  for (const ref of names) plainGit(world.mirror(repo), "update-ref", ref, tip);
  const all = await pages(world, "refs");
  expect(all.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(all.flat().map(({ ref }) => ref)).toEqual([...names.slice(0, 2), MAIN, ...names.slice(2)]);
  expect((await pages(world, "refs", "&name=b/")).flat()).toMatchObject([{ ref: names[1], sha: tip }]);
  const one = await get(world, "");
  expect(one.totals).toEqual({ heads: 5, kept: 0, holds: 0 });
  expect(Object.keys(one.heads)).toHaveLength(5);
});

test("kept tips and changes come by pages, newest first", async () => {
  const { world, repo, standin } = await worldWith();
  const tips = [world.tips(repo)[MAIN]!];
  for (let n = 0; n < 3; n++) {
    const push = await standin.forcePush(repo, "main", force);
    await refreshed(world, () => world.pushed(push));
    tips.unshift(push.after);
  }
  const kept = await pages(world, "kept");
  expect(kept.map((page) => page.length)).toEqual([2, 1]);
  expect(kept.flat().map(({ sha }) => sha)).toEqual(tips.slice(1));
  expect(kept.flat()[0].push).toContain(`--force-with-lease=${MAIN}:${tips[0]}`);
  const changes = (await pages(world, "changes")).flat();
  expect(changes.slice(0, 3)).toMatchObject(
    tips.slice(0, 3).map((after, n) => ({ ref: MAIN, before: tips[n + 1], after })),
  );
  expect((await get(world, "")).totals).toEqual({ heads: 1, kept: 3, holds: 0 });
});

test("changes of one event are divided between pages", async () => {
  const { world, repo, standin } = await worldWith();
  for (const name of ["a", "b", "c"]) await standin.createBranch(repo, name);
  await compare(world, repo);
  const all = await pages(world, "changes");
  expect(all[0]).toMatchObject([{ ref: "refs/heads/a" }, { ref: "refs/heads/b" }]);
  expect(all[1]![0]).toMatchObject({ ref: "refs/heads/c", event: all[0]![0].event });
});

test("holds come by pages", async () => {
  const { world, repo, standin } = await worldWith({ HISTORY: "block" });
  for (const name of ["a", "b"]) await standin.createBranch(repo, name);
  await compare(world, repo);
  for (const name of ["a", "b"]) await standin.deleteRef(repo, `refs/heads/${name}`);
  await refusedPush(world, () => standin.forcePush(repo, "main", force));
  await compare(world, repo).catch(() => {});
  await expect.poll(async () => (await get(world, "")).totals.holds).toBe(3);
  const held = await pages(world, "holds");
  expect(held.map((page) => page.map(({ ref }: { ref: string }) => ref))).toEqual([
    ["refs/heads/a", "refs/heads/b"],
    [MAIN],
  ]);
});
