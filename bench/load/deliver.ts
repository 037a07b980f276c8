import type { Lockstep } from "../../tools/lockstep.js";
import type { Push, Repo, StandIn } from "../../tools/standin/index.js";
import type { Arrivals } from "./arrivals.js";

export interface Destination {
  standin: StandIn;
  lockstep: Lockstep;
  /** In the order of the mirrors of `arrivals`. */
  repos: Repo[];
  arrivals: Arrivals;
}

const LONGEST_MS = 120_000;

/** Delivers a push. @returns the milliseconds until the mirror has it */
export async function deliver(
  { standin, lockstep, repos, arrivals }: Destination,
  push: Push,
): Promise<number> {
  const arrived = arrivals.wait(repos.indexOf(push.repo), push.after, LONGEST_MS);
  const { sentAt, status } = await standin.deliver(push, { to: lockstep.webhookUrl });
  if (status !== 202) throw new Error(`Lockstep answered ${status}`);
  return (await arrived) - sentAt;
}
