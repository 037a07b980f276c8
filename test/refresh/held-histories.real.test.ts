import fc from "fast-check";
import { expect, test } from "vitest";
import type { Push, Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { post, shown } from "../support/history.js";
import { refreshedOnce } from "../support/state.js";
import { World } from "../support/world.js";

interface Step {
  act: string;
  branch: string;
  strict: boolean;
}

const step = fc.record({
  act: fc.constantFrom("commit", "force", "delete", "create", "back"),
  branch: fc.constantFrom("main", "a", "b", "a/c"),
  strict: fc.boolean(),
});
const history = fc.record({
  steps: fc.array(step, { minLength: 3, maxLength: 12 }),
  order: fc.array(fc.nat(96), { minLength: 12, maxLength: 12 }),
  pause: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
});

test("property: no held ref ever leaves its line, and when all is allowed the mirror is GitHub's", async () => {
  const world = await World.create({ HISTORY: "block" });
  await world.start();
  let n = 0;
  const property = fc.asyncProperty(history, async ({ steps, order, pause }) => {
    const repo = await world.standin.createRepository("acme", `history-${++n}`);
    world.sweep();
    await world.inStep(repo);
    const pushes = await play(world, repo, steps);
    const shuffled = pushes.map((push, i) => ({ push, key: order[i]! })).sort((x, y) => x.key - y.key);
    let tips = world.tips(repo);
    for (const [i, { push }] of shuffled.entries()) {
      const from = world.log.length;
      expect(await world.deliver(push)).toBe(202);
      if (pause[i]) await refreshedOnce(world, repo, from);
      tips = goesOnFrom(tips, world, repo);
    }
    await compare(world, repo);
    goesOnFrom(tips, world, repo);
    await allowAll(world, repo);
    // A push that was undone in its own second, and delivered last, leaves `behind` to the next pass.
    await compare(world, repo);
    expect(world.tips(repo)).toEqual(Object.fromEntries(await world.standin.tips(repo)));
    expect((await shown(world, repo)).state).toBe("fresh");
  });
  await fc.assert(property, { numRuns: 5, endOnFailure: true });
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
}, 600_000);

async function play({ standin }: World, repo: Repo, steps: Step[]): Promise<Push[]> {
  const pushes: Push[] = [];
  const former = new Map<string, string>();
  for (const { act, branch, strict } of steps) {
    standin.strictClock = strict;
    const ref = `refs/heads/${branch}`;
    const tips = await standin.tips(repo);
    const [exists, old] = [tips.has(ref), former.get(branch)];
    const other = [...tips.keys()].find((one) => one.startsWith(`${ref}/`) || ref.startsWith(`${one}/`));
    if (other) pushes.push(await standin.deleteRef(repo, other));
    else if (act === "delete" && exists && branch !== "main") pushes.push(await standin.deleteRef(repo, ref));
    else if (act === "force" && exists) pushes.push(await standin.forcePush(repo, branch, { orphan: true }));
    else if (act === "back" && exists && old) pushes.push(await standin.forcePush(repo, branch, old));
    else pushes.push(await standin.commit(repo, branch));
    const { before } = pushes.at(-1)!;
    if (!/^0+$/.test(before)) former.set(branch, before);
  }
  return pushes;
}

/** Checks that every ref is where it was, or at a descendant. @returns the current tips */
function goesOnFrom(tips: Record<string, string>, world: World, repo: Repo): Record<string, string> {
  const now = world.tips(repo);
  for (const [ref, tip] of Object.entries(tips)) {
    expect(now[ref], `${ref} of ${repo.name}`).toBeDefined();
    plainGit(world.mirror(repo), "merge-base", "--is-ancestor", tip, now[ref]!);
  }
  return now;
}

/** A recent answer of GitHub's may be doubted for some seconds; then GitHub is asked again. */
async function compare(world: World, repo: Repo): Promise<void> {
  for (;;) {
    const seen = world.log.length;
    const { status, body } = await post(world, repo, "refresh?wait=60s");
    if (status === 200) return;
    expect(body.reason).toBe("not_yet");
    await world.line(({ event }) => event?.startsWith("refresh"), seen);
  }
}

async function allowAll(world: World, repo: Repo): Promise<void> {
  for (;;) {
    const { holds } = await shown(world, repo);
    if (holds.length === 0) return;
    for (const { ref, wanted } of holds) await post(world, repo, "allow", { ref, wanted });
    await compare(world, repo);
  }
}
