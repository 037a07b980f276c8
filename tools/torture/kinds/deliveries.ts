import { randomUUID } from "node:crypto";
import type { Random } from "../../random.js";
import type { Push } from "../../standin/index.js";
import type { Kind, Undo } from "../kind.js";
import { change } from "../traffic.js";
import type { World } from "../world.js";

const CHANGES = 5;

export const DELIVERY_KINDS: Kind[] = [
  { name: "lost-deliveries", inflict: lose },
  { name: "unlogged-deliveries", inflict: loseWithoutTrace },
  { name: "late-deliveries", inflict: delay },
  { name: "doubled-deliveries", inflict: double },
  { name: "reordered-deliveries", inflict: reorder },
];

async function pushes(world: World, random: Random): Promise<Push[]> {
  const made: Push[] = [];
  for (let n = 0; n < CHANGES; n += 1) made.push(...(await change(world, random)));
  return made;
}

/** GitHub's log has what did not arrive. */
async function lose(world: World, random: Random): Promise<Undo> {
  for (const push of await pushes(world, random)) await world.lose(push);
  return async () => {};
}

/** Nobody but the repository itself knows of the push. */
async function loseWithoutTrace(world: World, random: Random): Promise<Undo> {
  await pushes(world, random);
  return async () => {};
}

/** The deliveries come after later pushes of the same refs. */
async function delay(world: World, random: Random): Promise<Undo> {
  const late = await pushes(world, random);
  return async () => {
    for (const push of random.shuffled(late)) await world.deliver(push);
  };
}

async function double(world: World, random: Random): Promise<Undo> {
  for (const push of await pushes(world, random)) {
    const id = randomUUID();
    await Promise.all([world.deliver(push, id), world.deliver(push, id)]);
    void world.deliver(push, id);
  }
  return async () => {};
}

async function reorder(world: World, random: Random): Promise<Undo> {
  for (const push of random.shuffled(await pushes(world, random))) void world.deliver(push);
  return async () => {};
}
