import { RateLimiterMemory } from "rate-limiter-flexible";

const WINDOW_S = 300;
/** One address, or one token, may be refused so often by GitHub within the window before it must wait. */
const ALLOWED = 100;
/** In seconds. */
const WAIT_S = 15;
const MAX_TRUSTED = 50_000;

/**
 * Counts GitHub's refusals by address and by token, so that nobody uses Lockstep to guess tokens or names at GitHub. What
 * is known, a remembered yes, is answered whatever the count.
 */
export function createRefusals() {
  const limiter = new RateLimiterMemory({ points: ALLOWED, duration: WINDOW_S });
  const trusted = new Set<string>();

  const isOver = async (key: string) => ((await limiter.get(key))?.consumedPoints ?? 0) >= ALLOWED;
  const count = (key: string) =>
    limiter.consume(key).then(
      () => {},
      () => {},
    );

  return {
    /** GitHub has said yes to this token: its address does not hold it back. */
    trust(token: string): void {
      trusted.delete(token);
      trusted.add(token);
      if (trusted.size > MAX_TRUSTED) trusted.delete(trusted.keys().next().value!);
    },
    isTrusted: (token: string): boolean => trusted.has(token),
    /** @returns 0 when GitHub may be asked, else the seconds to wait */
    async secondsToWait(token: string, address: string): Promise<number> {
      if (await isOver(`token ${token}`)) return WAIT_S;
      return !trusted.has(token) && (await isOver(`address ${address}`)) ? WAIT_S : 0;
    },
    async add(token: string, address: string): Promise<void> {
      await count(`token ${token}`);
      if (!trusted.has(token)) await count(`address ${address}`);
    },
  };
}

export type Refusals = ReturnType<typeof createRefusals>;
