import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Lockstep } from "../tools/lockstep.js";
import type { Releasers } from "../tools/releasers.js";

/** prom-client looks every 10 ms, and reports the time between two looks. */
export const LOOKS_MS = 10;

/** @returns the longest block of a Lockstep's event loop since the last call, in milliseconds */
export async function longestBlock(lockstep: Lockstep): Promise<number> {
  const metrics = await (await lockstep.api("/metrics")).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(metrics)?.[1]) * 1_000 - LOOKS_MS;
}

/**
 * Starts a bare Node that works in slices of 5 ms for half of the time. Its longest block is what the machine does to
 * any process at that time, such as to keep it waiting for a processor.
 * @returns the longest block since the last call, in milliseconds
 */
export function startBareLoop(releasers: Releasers): () => Promise<number> {
  const child = fork(fileURLToPath(new URL("./bare-loop.js", import.meta.url)));
  releasers.add(() => void child.kill());
  return async () => {
    child.send("longest");
    const [longestMs] = (await once(child, "message")) as [number];
    return longestMs;
  };
}
