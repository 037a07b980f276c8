import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import { faultsOf } from "../check.js";
import { pretendRestart } from "../damage.js";
import type { Kind, Undo } from "../kind.js";
import { prepare, untilSound } from "../push.js";
import { countCalls, sweepOf } from "../sweep.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const REFRESH_MS = 400;
/** A push whose refresh is over makes no more calls. */
const LOOK_MS = 500;

export const POWER_CUT_KINDS: Kind[] = [
  { name: "power-cut", needs: ["root"], inflict: cutSometime },
  {
    name: "power-cut-at-call",
    needs: ["root", "strace"],
    isAlone: true,
    isComplete: (world) => sweepOf(world).isComplete,
    inflict: cutAtCall,
  },
];

/** The power fails at any time of a refresh; what the kernel had not written is gone. */
async function cutSometime(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await sleep(random.below(REFRESH_MS));
  return cut(world);
}

/** The power fails after the first system call of a push, in the next round after the second one, and so on. */
async function cutAtCall(world: World): Promise<Undo> {
  const sweep = sweepOf(world);
  await prepare(world, sweep.push);
  const total = sweep.calls?.length ?? (await learnCalls(world));
  const { name, push } = sweep.push;
  const at = sweep.take();
  let where = "";
  const reached = new AbortController();
  const counted = await countCalls(world, at, () => {
    world.killAll();
    where = `at call ${at} of ${total}: ${counted.calls.at(-1)}`;
    reached.abort();
  });
  try {
    for (const made of await push(world)) void world.deliver(made);
    while (!reached.signal.aborted && (await faultsOf(world)).length > 0)
      await sleep(LOOK_MS, undefined, { signal: reached.signal }).catch(() => {});
  } finally {
    world.killAll();
    await counted.strace.kill();
  }
  world.note(
    `power cut ${where || `after all ${counted.calls.length} calls, not at call ${at}`}; --cut ${name}:${at}`,
  );
  return cut(world);
}

/** Does the push without a fault. @returns the number of its calls */
async function learnCalls(world: World): Promise<number> {
  const sweep = sweepOf(world);
  const counted = await countCalls(world, null, () => {});
  try {
    for (const made of await sweep.push.push(world)) await world.deliver(made);
    await untilSound(world);
  } finally {
    await counted.strace.detach();
  }
  sweep.learn(counted.calls);
  await prepare(world, sweep.push);
  return counted.calls.length;
}

async function cut(world: World): Promise<Undo> {
  await world.kill9();
  await world.endAll();
  await world.volume.cutPower();
  pretendRestart(world.dataDir);
  return async () => {
    await world.start();
  };
}
