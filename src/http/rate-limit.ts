import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

const BURST_WINDOW_S = 60;

/**
 * Limits requests per client address: `rate` in any second, and `burst` more in any minute.
 * @returns address → 0 when the request is allowed, else the seconds after which the client may retry
 */
export function createRateLimit(rate: number, burst: number): (address: string) => Promise<number> {
  const limiter = new BurstyRateLimiter(
    new RateLimiterMemory({ points: rate, duration: 1 }),
    new RateLimiterMemory({ points: burst, duration: BURST_WINDOW_S }),
  );
  return (address) => secondsToWait(limiter.consume(address), BURST_WINDOW_S);
}

/**
 * @param longestS the limiter's longest window, in seconds
 * @returns 0 when a limiter allows the request, else the seconds after which the client may retry
 */
export async function secondsToWait(consumed: Promise<unknown>, longestS: number): Promise<number> {
  try {
    await consumed;
    return 0;
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // The limiter reads the wall clock, which may have been set back; its windows end by timers.
    return Math.min(longestS, Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)));
  }
}
