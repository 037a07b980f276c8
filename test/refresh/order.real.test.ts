import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Push, Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { shown, worldWith } from "../support/history.js";
import { expectComplete, expectPart } from "../support/partial.js";
import { atRest, refreshedOnce, type Shown, untilState } from "../support/state.js";
import { World } from "../support/world.js";

test("the old tip is served for a while after the delivery", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.standin.serveStale(repo, 60_000);
  const push = await world.standin.commit(repo, "main");
  await world.pushed(push);
  await world.line(({ event, code }) => event === "refresh_deferred" && code === "not_yet");
  expect(world.tips(repo)["refs/heads/main"]).toBe(push.before);
  world.standin.stopStale(repo);
  await world.inStep(repo);
  expect(world.tips(repo)["refs/heads/main"]).toBe(push.after);
});

test("a forced push back to before, then the first, delayed delivery: nothing turns back", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.strictClock = true;
  const first = await world.standin.commit(repo, "main");
  const back = await world.standin.forcePush(repo, "main", first.before);
  await world.pushed(back, first);
  await atRest(world, repo);
  expect(world.tips(repo)["refs/heads/main"]).toBe(first.before);
});

test("made and deleted in one second, delivered in the wrong order: GitHub's answer is the truth in the end", async () => {
  const { world, repo } = await worldWith();
  // GitHub's clock runs seconds ahead and stays the same for both, so GitHub's answer is not later than
  // either.
  for (let ticks = 0; ticks < 10; ticks++) world.standin.world.tick();
  world.standin.strictClock = false;
  const made = await world.standin.commit(repo, "short-lived");
  const deleted = await world.standin.deleteRef(repo, "refs/heads/short-lived");
  expect(deleted.pushedAt).toBe(made.pushedAt);
  await world.pushed(deleted, made);
  await atRest(world, repo);
  expect(await shown(world, repo)).toMatchObject({ state: "fresh", lastError: null });
  expect(world.tips(repo)).not.toHaveProperty("refs/heads/short-lived");
});

test("a delivery that comes again changes nothing and starts nothing", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const push = await world.standin.commit(repo, "main");
  expect(await world.deliver(push, "11111111-2222-3333-4444-555555555555")).toBe(202);
  await world.inStep(repo);
  await atRest(world, repo);
  const runs = world.refreshes().length;
  expect(await world.deliver(push, "11111111-2222-3333-4444-555555555555")).toBe(202);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.refreshes()).toHaveLength(runs + 1);
});

const PARTIAL = { CHECKOUTS: "acme/*?filter=blob:none,acme/*@a?filter=blob:none", CHECKOUT_GRACE: "0s" };
const SHALLOW = { CHECKOUTS: "acme/*?depth=2,acme/*@a?depth=2", CHECKOUT_GRACE: "0s" };

const allBut = (...places: number[]) => Array.from({ length: 14 }, (_, n) => !places.includes(n));

/**
 * A push and the push that undoes it carry different clocks; the first is delivered again after a comparison.
 */
const TWICE_IN_A_SECOND = {
  steps: (
    [
      ...[
        ["delete", "a-side", true],
        ["back", "main", true],
        ["commit", "a-side", true],
      ],
      ...[
        ["commit", "a-side", true],
        ["commit", "b", false],
        ["back", "a", false],
      ],
      ...[
        ["commit", "main", false],
        ["commit", "a-side", false],
        ["back", "main", false],
      ],
    ] as const
  ).map(([act, branch, strict]) => ({ act, branch, strict })),
  order: [
    ...[496960672, 474405620, 1182658651, 637953711, 1525102105, 1989945919, 540852916],
    ...[22, 6, 1614332819, 691423000, 1833097516, 2147483640, 23],
  ],
  twice: allBut(0, 3, 4, 5, 8, 11),
  pause: allBut(1, 2, 9, 11, 12, 13),
};

test.each([
  ["a whole mirror", {}, () => true],
  ["a partial one", PARTIAL, () => true],
  ["a shallow one", SHALLOW, (ref: string) => ["refs/heads/main", "refs/heads/a"].includes(ref)],
])(
  "property, %s: whatever the history, deliveries late, twice and in any order end at GitHub's tips, and none is lost",
  async (kind, env, isIn) => {
    const step = fc.record({
      act: fc.constantFrom("commit", "force", "delete", "create", "back"),
      branch: fc.constantFrom("main", "a", "b", "a-side"),
      strict: fc.boolean(),
    });
    const history = fc.record({
      steps: fc.array(step, { minLength: 3, maxLength: 14 }),
      order: fc.array(fc.nat(), { minLength: 14, maxLength: 14 }),
      twice: fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
      pause: fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
    });
    const world = await World.create(env);
    await world.start();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, order, twice, pause }) => {
        const repo = await world.standin.createRepository("acme", `history-${++n}`);
        world.sweep();
        await world.inStep(repo);
        const pushes = await play(world, repo, steps);
        const delivered = pushes.flatMap((push, i) => (twice[i % 14] ? [push, push] : [push]));
        const shuffled = delivered
          .map((push, i) => ({ push, key: (order[i % 14] ?? 0) * 31 + i }))
          .sort((x, y) => (x.key % 97) - (y.key % 97));
        for (const [i, { push }] of shuffled.entries()) {
          const from = world.log.length;
          expect(await world.deliver(push)).toBe(202);
          if (pause[i % 14]) await refreshedOnce(world, repo, from);
        }
        await atRest(world, repo);
        const wanted = [...(await world.standin.tips(repo))].filter(([ref]) => isIn(ref));
        expect(world.tips(repo)).toEqual(Object.fromEntries(wanted));
        if (kind === "a partial one") await expectPublished(world, repo);
        else plainGit(world.mirror(repo), "fsck", "--connectivity-only");
        if (kind === "a shallow one") return;
        const reachable = plainGit(world.mirror(repo), "rev-list", "--all");
        for (const tip of tipsOnceHad(world, repo)) expect(reachable).toContain(tip);
      }),
      { numRuns: 4, endOnFailure: true, examples: kind === "a whole mirror" ? [[TWICE_IN_A_SECOND]] : [] },
    );
  },
  600_000,
);

/** Checks that the main branch is published, and that commits and trees of every ref exist. */
async function expectPublished(world: World, repo: Repo): Promise<void> {
  const link = join(world.dataDir, "checkouts", repo.owner, repo.name);
  const sha = (await world.standin.tips(repo)).get("refs/heads/main")!;
  const shows = (it: Shown) => it.checkouts[0]?.commit === sha;
  await untilState(world, `${repo.owner}/${repo.name}`, shows);
  expectComplete(world.mirror(repo));
  expectPart(repo, link, sha);
}

async function play(world: World, repo: Repo, steps: { act: string; branch: string; strict: boolean }[]) {
  const { standin } = world;
  const pushes: Push[] = [];
  const former = new Map<string, string>();
  for (const { act, branch, strict } of steps) {
    standin.strictClock = strict;
    const ref = `refs/heads/${branch}`;
    const exists = (await standin.tips(repo)).has(ref);
    const old = former.get(branch);
    if (act === "delete" && exists && branch !== "main") pushes.push(await standin.deleteRef(repo, ref));
    else if (act === "force" && exists) pushes.push(await standin.forcePush(repo, branch, { orphan: true }));
    else if (act === "back" && exists && old) pushes.push(await standin.forcePush(repo, branch, old));
    else pushes.push(await standin.commit(repo, branch));
    const last = pushes.at(-1)!;
    if (!/^0+$/.test(last.before)) former.set(branch, last.before);
  }
  return pushes;
}

/** Returns the mirror's refs after each refresh, abbreviated as in the log. */
function tipsOnceHad(world: World, { owner, name }: Repo): string[] {
  const lines = world.refreshes().filter(({ repository }) => repository === `${owner}/${name}`);
  const tips = lines.flatMap(({ refs }) => (refs as string[]).map((change) => change.split("@")[1]!));
  return tips.filter((tip) => !/^0+$/.test(tip));
}
