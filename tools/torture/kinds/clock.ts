import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import type { Kind, Undo } from "../kind.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const JUMPS_S = [-DAY_S, -HOUR_S, -60, 60, HOUR_S, DAY_S];

export const CLOCK_KINDS: Kind[] = [{ name: "clock-jumps", needs: ["faketime"], inflict: jump }];

/** The clock is wrong from the start, jumps twice, and is right again at the end, all while pushes go on. */
async function jump(world: World, random: Random): Promise<Undo> {
  await world.stop();
  const setClock = await world.startWithClock(random.chance(0.5) ? 0 : random.pick(JUMPS_S)!);
  for (let jumps = 0; jumps < 2; jumps += 1) {
    const aheadS = random.pick(JUMPS_S)!;
    world.note(`the clock is ${aheadS} s ahead`);
    await changes(world, random, 2);
    setClock(aheadS);
    await sleep(random.below(1_000));
  }
  return async () => {
    setClock(0);
    if (random.chance(0.5)) await world.restart();
  };
}
