import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "../world.js";

interface Status {
  repositories: Record<string, number>;
  queue: { depth: number };
  backstop: { lastPassAt: string | null };
  deliveries: { lastReadAt: string | null };
}

const LOOK_EVERY_MS = 50;
const MOST_SWEEPS = 10;
const AT_REST = ["fresh", "suspended", "gone", "retired"];

const statusOf = async (world: World): Promise<Status> =>
  (await (await world.api("/api/v1/status")).json()) as Status;

/** Runs one pass of the backstop, and waits until all its requests are done. */
export async function sweepThrough(world: World): Promise<void> {
  const since = Date.now();
  world.sweep();
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const { queue, backstop, deliveries } = await statusOf(world);
    const times = [backstop.lastPassAt, deliveries.lastReadAt];
    if (queue.depth === 0 && times.every((at) => at !== null && Date.parse(at) >= since)) return;
  }
}

/** Sweeps until a sweep finds nothing, and leaves nothing for the next one. */
export async function sweepUntilQuiet(world: World): Promise<void> {
  for (let sweeps = 0; sweeps < MOST_SWEEPS; sweeps += 1) {
    const from = world.log.length;
    await sweepThrough(world);
    const found = world.log.slice(from).some(({ result }) => result === "changed" || result === "cloned");
    const { repositories } = await statusOf(world);
    if (!found && Object.keys(repositories).every((state) => AT_REST.includes(state))) return;
  }
  throw new Error(`still not quiet after ${MOST_SWEEPS} sweeps`);
}
