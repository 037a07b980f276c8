import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import type { World } from "./world.js";

/** A repository in the API's form, loosely typed because the API's own test checks every field. */
// biome-ignore lint/suspicious/noExplicitAny: what a client gets is JSON
export type Shown = any;

export async function statusOf(world: World): Promise<Shown> {
  return (await world.api("/api/v1/status")).json();
}

export async function stateOf(world: World, fullName: string): Promise<Shown> {
  return (await world.api(`/api/v1/repos/${fullName}`)).json();
}

/**
 * Waits until the API shows the state, and checks with every line of the log and every quarter of a second.
 */
export async function untilState(
  world: World,
  fullName: string,
  fits: (shown: Shown) => boolean,
  meanwhile: () => void = () => {},
): Promise<Shown> {
  for (;;) {
    const shown = await stateOf(world, fullName);
    if (fits(shown)) return shown;
    await Promise.race([world.nextLine(), sleep(250)]);
    meanwhile();
  }
}

/** Waits until nothing is queued or running for the repository, its trees included. */
export const atRest = (world: World, { owner, name }: Repo): Promise<Shown> =>
  untilState(world, `${owner}/${name}`, ({ queued, running }) => !queued && !running);

/** Waits until a refresh has ended since that line of the log; a delivery that asks for none leaves the queue empty. */
export async function refreshedOnce(world: World, repo: Repo, from: number): Promise<void> {
  const line = world.line(({ event }) => event.startsWith("refresh"), from);
  await Promise.race([line, atRest(world, repo)]);
}

/**
 * Runs one pass of the backstop, and waits until its reading of GitHub's log has ended and the queue is
 * empty.
 */
export async function passed(world: World): Promise<void> {
  const before = (await statusOf(world)).deliveries.lastReadAt;
  world.sweep();
  const isOver = async () => {
    const { deliveries, queue } = await statusOf(world);
    return deliveries.lastReadAt !== before && queue.depth === 0;
  };
  await expect.poll(isOver).toBe(true);
}
