import { readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { compare, force, MAIN, post, refusedPush, shown, worldWith } from "../support/history.js";

test.each([
  ["its HEAD is gone", (dir: string) => rmSync(join(dir, "HEAD"))],
  ["its config is garbage", (dir: string) => writeFileSync(join(dir, "config"), "[core\n")],
  ["an object of GitHub's is cut short", (dir: string) => truncateSync(dir, 10)],
])("has the kept tips of the old one: %s", async (what, damage) => {
  const { world, repo, standin } = await worldWith();
  const first = await standin.forcePush(repo, "main", force);
  await world.pushed(first);
  await world.inStep(repo);
  const side = await standin.commit(repo, "side");
  await world.pushed(side);
  await world.inStep(repo);
  const names = Object.keys(world.kept(repo));
  const mirror = join(world.dataDir, "repos", String(repo.id), "mirror.git");
  damage(what.startsWith("an object") ? objectFile(mirror, side.after) : mirror);
  const second = await standin.forcePush(repo, "main", force);
  const from = world.log.length;
  await standin.commit(repo, "side");
  await post(world, repo, "refresh?wait=30s");
  await world.inStep(repo);
  const line = await world.line(({ event, result }) => event === "refreshed" && result === "cloned", from);
  expect(line.changed).toBe(2);
  expect(Object.keys(world.kept(repo))).toEqual(expect.arrayContaining(names));
  expect(Object.values(world.kept(repo)).sort()).toEqual([first.before, second.before].sort());
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("keeps refs held, and lets go of what cannot be read", async () => {
  const { world, repo, standin } = await worldWith({ HISTORY: "block" });
  const side = await standin.commit(repo, "side");
  await world.pushed(side);
  await world.inStep(repo);
  const main = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  const mirror = join(world.dataDir, "repos", String(repo.id), "mirror.git");
  rmSync(join(mirror, "HEAD"));
  const moved = await standin.forcePush(repo, "side", force);
  await compare(world, repo);
  expect(world.tips(repo)).toEqual({ [MAIN]: main.before, [side.ref]: side.after });
  expect((await shown(world, repo)).holds).toMatchObject([
    { ref: MAIN, wanted: main.after },
    { ref: side.ref, tip: side.after, wanted: moved.after },
  ]);
  plainGit(world.mirror(repo), "fsck", "--strict");

  rmSync(join(mirror, "HEAD"));
  cutObjects(mirror);
  await compare(world, repo);
  await world.inStep(repo);
  expect(await shown(world, repo)).toMatchObject({ state: "fresh", holds: [] });
  expect(world.log.some(({ event, tips }) => event === "tips_lost" && tips === 2)).toBe(true);
});

const objectFile = (mirror: string, sha: string) => join(mirror, "objects", sha.slice(0, 2), sha.slice(2));

function cutObjects(mirror: string): void {
  for (const folder of readdirSync(join(mirror, "objects"))) {
    for (const file of readdirSync(join(mirror, "objects", folder))) {
      truncateSync(join(mirror, "objects", folder, file), 10);
    }
  }
}
