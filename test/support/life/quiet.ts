import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "../world.js";

interface Status {
  queue: { depth: number };
  backstop: { lastPassAt: string | null };
  deliveries: { lastReadAt: string | null };
}

const LOOK_EVERY_MS = 50;
const MOST_SWEEPS = 10;

/** One pass of the backstop, until nothing that came of it is left to be done. */
export async function sweepThrough(world: World): Promise<void> {
  const since = Date.now();
  world.sweep();
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const { queue, backstop, deliveries } = (await (await world.api("/api/v1/status")).json()) as Status;
    const times = [backstop.lastPassAt, deliveries.lastReadAt];
    if (queue.depth === 0 && times.every((at) => at !== null && Date.parse(at) >= since)) return;
  }
}

/** Sweeps until one finds nothing any more. @returns how many it took */
export async function sweepUntilQuiet(world: World): Promise<number> {
  for (let sweeps = 1; sweeps <= MOST_SWEEPS; sweeps += 1) {
    const from = world.log.length;
    await sweepThrough(world);
    const found = world.log.slice(from).some(({ result }) => result === "changed" || result === "cloned");
    if (!found) return sweeps;
  }
  throw new Error(`still not quiet after ${MOST_SWEEPS} sweeps`);
}
