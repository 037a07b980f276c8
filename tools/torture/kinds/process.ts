import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import type { Kind, Undo } from "../kind.js";
import { sendSignal } from "../processes.js";
import { change, changes } from "../traffic.js";
import type { World } from "../world.js";

/** The database has the delivery within this time, or the process has answered something else. */
const ANSWER_MS = 15;
/** A refresh of these mirrors takes some 100 ms. */
const REFRESH_MS = 300;
/** So often a look for a running git is repeated, 2 ms apart. */
const LOOKS = 400;

export const PROCESS_KINDS: Kind[] = [
  { name: "kill-9-after-202", inflict: killAfterAnswer },
  { name: "kill-9", inflict: killSometime },
  { name: "kill-9-in-start", inflict: killInStart },
  { name: "stop", inflict: stopSometime },
  { name: "kill-git", inflict: (world, random) => signalGit(world, random, "SIGKILL") },
  { name: "frozen-git", inflict: (world, random) => signalGit(world, random, "SIGSTOP") },
];

const startAgain =
  (world: World): Undo =>
  async () => {
    await world.start();
  };

/** kill -9 within milliseconds of the answer. */
async function killAfterAnswer(world: World, random: Random): Promise<Undo> {
  const pushes = await change(world, random);
  await Promise.all(pushes.map((push) => world.deliver(push)));
  await sleep(random.below(ANSWER_MS));
  await world.kill9();
  return startAgain(world);
}

/** kill -9 at any time of a refresh; a git that runs goes on without Lockstep. */
async function killSometime(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await sleep(random.below(REFRESH_MS));
  await world.kill9();
  return startAgain(world);
}

async function killInStart(world: World, random: Random): Promise<Undo> {
  await world.kill9();
  const started = world.start().catch(() => {});
  await sleep(300 + random.below(1_000));
  world.killStarting();
  await started;
  await world.kill9();
  return startAgain(world);
}

async function stopSometime(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await sleep(random.below(REFRESH_MS));
  await world.stop();
  return startAgain(world);
}

/** Ends or freezes every git that runs when the first one is seen. A frozen git stays frozen: its deadline must end it. */
async function signalGit(world: World, random: Random, signal: NodeJS.Signals): Promise<Undo> {
  await changes(world, random, 2);
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const pids = world.gits();
    if (pids.length > 0 && random.chance(0.3)) {
      for (const pid of pids) sendSignal(pid, signal);
      break;
    }
    await sleep(2);
  }
  return async () => {};
}
