import { expect } from "vitest";
import type { World } from "../world.js";

interface Status {
  repositories: Record<string, number>;
  queue: { depth: number };
  backstop: { lastPassAt: string | null };
  deliveries: { lastReadAt: string | null; reading: object | null };
}

const MOST_SWEEPS = 10;
const AT_REST = ["fresh", "suspended", "gone", "retired"];

const statusOf = async (world: World): Promise<Status> =>
  (await (await world.api("/api/v1/status")).json()) as Status;

/**
 * Runs one pass of the backstop, and waits until all its requests are done. A pass that comes while GitHub's log is being read, as
 * right after a start, joins that reading, so that another one follows it.
 */
export async function sweepThrough(world: World): Promise<void> {
  const since = Date.now();
  world.sweep();
  const isSince = (at: string | null) => at !== null && Date.parse(at) >= since;
  const isThrough = async () => {
    const { queue, backstop, deliveries } = await statusOf(world);
    if (queue.depth > 0 || !isSince(backstop.lastPassAt)) return false;
    if (!isSince(deliveries.lastReadAt) && deliveries.reading === null) world.sweep();
    return isSince(deliveries.lastReadAt);
  };
  await expect.poll(isThrough).toBe(true);
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
