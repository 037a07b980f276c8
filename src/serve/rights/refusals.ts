import { RateLimiterMemory } from "rate-limiter-flexible";
import { dropOldest } from "../../base/drop-oldest.js";

const WINDOW_S = 300;
/** One address, or one token, may be refused so often by GitHub within the window before it must wait. */
const ALLOWED = 100;
/** How long a token waits that was refused too often, in seconds. */
const WAIT_S = 15;
/** New tokens from an address that was refused too often are asked about one after the other, with this time between. */
const SPACING_MS = 250;
/** So many of them may wait. */
const MAX_IN_LANE = 100;
const MAX_TRUSTED = 50_000;

interface Lane {
  turn: Promise<unknown>;
  waiting: number;
}

/**
 * Counts GitHub's refusals by address and by token, so that nobody uses Lockstep to guess tokens or names at GitHub. What
 * is known, a remembered yes, is answered whatever the count. New tokens from an address that was refused too often are
 * delayed, not refused: behind it may be a whole company, one of whose jobs is set up wrong.
 */
export function createRefusals(pause: (ms: number) => Promise<unknown>) {
  const lanes = new Map<string, Lane>();
  const limiter = new RateLimiterMemory({ points: ALLOWED, duration: WINDOW_S });
  const trusted = new Set<string>();

  const isOver = async (key: string) => ((await limiter.get(key))?.consumedPoints ?? 0) >= ALLOWED;
  const count = (key: string) =>
    limiter.consume(key).then(
      () => {},
      () => {},
    );

  /** @returns false: too many wait already */
  async function waitInLane(address: string): Promise<boolean> {
    const lane = lanes.get(address) ?? { turn: Promise.resolve(), waiting: 0 };
    if (lane.waiting >= MAX_IN_LANE) return false;
    lanes.set(address, lane);
    lane.waiting += 1;
    lane.turn = lane.turn.then(() => pause(SPACING_MS));
    await lane.turn;
    lane.waiting -= 1;
    if (lane.waiting === 0) lanes.delete(address);
    return true;
  }

  return {
    /** GitHub has said yes to this token: its address does not hold it back. */
    trust(token: string): void {
      trusted.delete(token);
      trusted.add(token);
      dropOldest(trusted, MAX_TRUSTED);
    },
    isTrusted: (token: string): boolean => trusted.has(token),
    /** Waits until GitHub may be asked. @returns 0 once it may, else the seconds after which to come again */
    async admit(token: string, address: string): Promise<number> {
      if (await isOver(`token ${token}`)) return WAIT_S;
      if (trusted.has(token) || !(await isOver(`address ${address}`))) return 0;
      return (await waitInLane(address)) ? 0 : WAIT_S;
    },
    async add(token: string, address: string): Promise<void> {
      await count(`token ${token}`);
      if (!trusted.has(token)) await count(`address ${address}`);
    },
  };
}

export type Refusals = ReturnType<typeof createRefusals>;
