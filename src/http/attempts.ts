import { RateLimiterMemory } from "rate-limiter-flexible";
import { secondsToWait } from "./rate-limit.js";

const WINDOW_S = 300;

/** Wrong tokens per client address within 5 minutes. */
export interface Attempts {
  /** Counts an attempt. @returns 0 when the address may try, else the seconds until it may try again */
  take(address: string): Promise<number>;
  /** Resets the count of an address. */
  clear(address: string): Promise<void>;
}

export function createAttempts(allowed: number): Attempts {
  const limiter = new RateLimiterMemory({ points: allowed, duration: WINDOW_S });
  return {
    take: (address) => secondsToWait(limiter.consume(address), WINDOW_S),
    clear: async (address) => void (await limiter.delete(address)),
  };
}
