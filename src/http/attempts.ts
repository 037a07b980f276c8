import { RateLimiterMemory } from "rate-limiter-flexible";
import { secondsToWait } from "./rate-limit.js";

const WINDOW_S = 300;

/** Attempts to guess the token, per client address, within 5 minutes. */
export interface Attempts {
  /** Takes one. @returns 0 when there was one left, else the seconds after which there are some again */
  take(address: string): Promise<number>;
  /** Has all of them left again. */
  clear(address: string): Promise<void>;
}

export function createAttempts(allowed: number): Attempts {
  const limiter = new RateLimiterMemory({ points: allowed, duration: WINDOW_S });
  return {
    take: (address) => secondsToWait(limiter.consume(address)),
    clear: async (address) => void (await limiter.delete(address)),
  };
}
