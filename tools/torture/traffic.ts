import type { Random } from "../random.js";
import { type Push, type Repo, ZERO } from "../standin/index.js";
import type { World } from "./world.js";

const BRANCHES = ["main", "next", "fix", "release/1", "release/2"];
const FILES = ["a.txt", "b/c.txt", "b/d.txt", "e.bin"];

interface Act {
  weight: number;
  push(world: World, repo: Repo, random: Random): Promise<Push[]>;
}

/** A push that only adds commits is the usual one. */
const ACTS: Act[] = [
  { weight: 6, push: async (world, repo, random) => [await commit(world, repo, random, "main")] },
  {
    weight: 3,
    push: async (world, repo, random) => [await commit(world, repo, random, random.pick(BRANCHES)!)],
  },
  { weight: 2, push: force },
  { weight: 2, push: remove },
  {
    weight: 1,
    push: async ({ standin }, repo, random) => {
      const name = `v${random.below(1_000)}`;
      if ((await standin.tip(repo, `refs/tags/${name}`)) !== ZERO) return [];
      return [await standin.createTag(repo, name, { annotated: random.chance(0.5) })];
    },
  },
  { weight: 1, push: several },
];

/** Makes one random change at GitHub. @returns what its deliveries report, a push for each ref */
export async function change(world: World, random: Random, repo?: Repo): Promise<Push[]> {
  for (;;) {
    const pushes = await random.weighted(ACTS).push(world, repo ?? random.pick(world.repos)!, random);
    if (pushes.length > 0) return pushes;
  }
}

/** Makes random changes, and sends their deliveries at once, without waiting for answers. */
export async function changes(world: World, random: Random, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) for (const push of await change(world, random)) void world.deliver(push);
}

function commit({ standin }: World, repo: Repo, random: Random, branch: string): Promise<Push> {
  const content = Buffer.alloc(1 + random.below(3_000), `${random.next()} `);
  return standin.commit(repo, branch, { files: { [random.pick(FILES)!]: content } });
}

async function force({ standin }: World, repo: Repo, random: Random): Promise<Push[]> {
  const branch = random.pick(BRANCHES)!;
  const tip = await standin.tip(repo, `refs/heads/${branch}`);
  if (tip === ZERO) return [];
  const parent = random.chance(0.7) ? await parentOf(standin, repo, tip) : ZERO;
  const to = await standin.commitObject(repo, { parent, message: `Rewrite ${branch}` });
  return [await standin.forcePush(repo, branch, to)];
}

const parentOf = (standin: World["standin"], repo: Repo, tip: string): Promise<string> =>
  standin.resolve(repo, `${tip}^`).catch(() => ZERO);

async function remove({ standin }: World, repo: Repo, random: Random): Promise<Push[]> {
  const refs = [...(await standin.tips(repo, "refs/heads", "refs/tags")).keys()];
  const ref = random.pick(refs.filter((name) => name !== `refs/heads/${repo.defaultBranch}`));
  // The repository with many refs keeps most of them.
  return ref === undefined ? [] : [await standin.deleteRef(repo, ref)];
}

async function several({ standin }: World, repo: Repo, random: Random): Promise<Push[]> {
  const parent = await standin.resolve(repo, repo.defaultBranch);
  const updates = [];
  for (const branch of random.shuffled(BRANCHES.slice(1)).slice(0, 3)) {
    const ref = `refs/heads/${branch}`;
    const after = await standin.commitObject(repo, { parent });
    updates.push({ ref, before: await standin.tip(repo, ref), after });
  }
  return standin.updateRefs(repo, updates);
}
