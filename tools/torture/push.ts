import { type Push, type Repo, ZERO } from "../standin/index.js";
import { faultsOf } from "./check.js";
import type { World } from "./world.js";

/** A push at which the power is cut: the same one each time, so that its system calls can be counted. */
export interface CountedPush {
  name: string;
  /** What the mirror must have before, and gets without a fault. */
  prepare?(world: World): Promise<Push[]>;
  push(world: World): Promise<Push[]>;
}

const BRANCH = "cut";
/** A mirror is in step within a second, but a machine may be busy. */
const SOUND_MS = 120_000;
let count = 0;

/** The first repository has a published tree, and the second many refs. */
export const COUNTED_PUSHES: CountedPush[] = [
  { name: "commit", push: async (world) => [await commit(world, world.repos[0]!, "main")] },
  { name: "forced", push: async (world) => [await rewrite(world, world.repos[0]!)] },
  {
    name: "deleted",
    prepare: async (world) => [await commit(world, manyRefs(world), BRANCH)],
    push: async (world) => [await world.standin.deleteRef(manyRefs(world), `refs/heads/${BRANCH}`)],
  },
];

/** A small world has only the first repository. */
const manyRefs = ({ repos: [site, app] }: World): Repo => app ?? site!;

/** Brings the mirrors to where the push begins, and waits until Lockstep has nothing left to do. */
export async function prepare(world: World, { prepare }: CountedPush): Promise<void> {
  for (const push of (await prepare?.(world)) ?? []) await world.deliver(push);
  await untilSound(world);
}

/** @throws Error with what is wrong */
export async function untilSound(world: World): Promise<void> {
  let faults: string[] = [];
  const isSound = async (): Promise<boolean> => {
    faults = await faultsOf(world);
    return faults.length === 0;
  };
  await world.until("every mirror is sound", isSound, SOUND_MS).catch((error: Error) => {
    throw new Error(`${error.message}: ${faults.join("; ")}`);
  });
}

/** A file in the root, one in a directory, and one that the last commits did not have. */
function commit({ standin }: World, repo: Repo, branch: string): Promise<Push> {
  count += 1;
  const content = `${count} ${"x".repeat(2_000)}\n`;
  const files = { "cut.txt": content, "b/cut.txt": content, [`cut/${count % 5}.txt`]: content };
  return standin.commit(repo, branch, { files });
}

async function rewrite({ standin }: World, repo: Repo): Promise<Push> {
  count += 1;
  const parent = await standin.resolve(repo, `${repo.defaultBranch}^`).catch(() => ZERO);
  const to = await standin.commitObject(repo, { parent, message: `Rewrite ${count}` });
  return standin.forcePush(repo, repo.defaultBranch, to);
}
