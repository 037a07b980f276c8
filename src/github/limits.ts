import { steadyNow } from "../base/clock.js";
import { RefreshError } from "../base/errors.js";
import { createSignal, type Subscribe } from "../base/signal.js";

/** Whose limit a call counts against: the App's own, or that of the installation with this id. */
export type LimitOwner = "app" | number;

/**
 * What GitHub last reported about one limit.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export interface RateLimit {
  /** The account whose calls count: `app`, or `installation <id>`. */
  whose: string;
  limit: number;
  remaining: number;
  /** When the limit resets, in milliseconds since 1970. */
  resetsAt: number;
  /** Until when GitHub asked Lockstep to wait, in milliseconds; 0: GitHub did not ask. */
  heldUntil: number;
}

export interface Limits {
  /**
   * Returns a fetch that records GitHub's limits, and refuses to call while GitHub has asked Lockstep to
   * wait.
   */
  fetchAs(whose: string): typeof globalThis.fetch;
  usage(): { calls: number; limits: RateLimit[] };
  /**
   * Makes no call of the owner before a time, because GitHub asked an earlier process to wait.
   * @param untilMs milliseconds since 1970, by the steady clock
   */
  hold(whose: LimitOwner | "everything", untilMs: number): void;
  /** Fires when GitHub's API answers, and not with a server error. */
  onAnswer: Subscribe<[]>;
}

const mentionsSecondaryLimit = async (answer: Response) =>
  /secondary rate limit/i.test(await answer.clone().text());

/** The wait for a limit without a time of its own, by GitHub's guide. */
export const DEFAULT_WAIT_MS = 60_000;
/** A primary limit resets within the hour. */
const MAX_WAIT_MS = 3_600_000;
const SECONDARY = "secondary";

/** @param seconds of Retry-After */
export const waitOf = (seconds: number): number => Math.min(seconds * 1000, MAX_WAIT_MS);

/**
 * Returns the milliseconds until a used-up primary limit resets.
 * @param reset x-ratelimit-reset, in seconds of GitHub's clock; the local clock may be hours off
 * @param date of the same answer
 */
export function untilReset(reset: unknown, date: unknown, now: number): number {
  const answeredAt = Date.parse(String(date));
  const waitMs = Number(reset ?? Number.NaN) * 1000 - (Number.isNaN(answeredAt) ? now : answeredAt);
  // The comparison also excludes NaN.
  return waitMs > 0 ? Math.min(waitMs, MAX_WAIT_MS) : DEFAULT_WAIT_MS;
}

/**
 * Calls made while limited lengthen GitHub's ban, so no call is made until the ban is over. A used-up primary
 * limit blocks only its owner; Retry-After blocks the App as a whole.
 */
export function createLimits(fetch: typeof globalThis.fetch, now: () => number = steadyNow): Limits {
  const answered = createSignal<[]>();
  const known = new Map<string, RateLimit>();
  const blockedUntil = new Map<string, number>();
  let calls = 0;

  function requireTime(whose: string): void {
    const [own, all] = [blockedUntil.get(whose) ?? 0, blockedUntil.get(SECONDARY) ?? 0];
    const waitMs = Math.max(own, all) - now();
    if (waitMs <= 0) return;
    throw new RefreshError("rate_limited", "GitHub asked Lockstep to wait; no call was made", {
      retryAfterMs: waitMs,
      resource: { kind: "rest", whose: all >= own ? "everything" : ownerOf(whose) },
    });
  }

  async function note(whose: string, answer: Response): Promise<void> {
    const { status, headers } = answer;
    const number = (name: string) => Number(headers.get(name) ?? Number.NaN);
    const limit = number("x-ratelimit-limit");
    const remaining = number("x-ratelimit-remaining");
    const resetsAt = number("x-ratelimit-reset") * 1000;
    const refused = status === 403 || status === 429;
    const after = number("retry-after");
    if (refused && after > 0) blockedUntil.set(SECONDARY, now() + waitOf(after));
    else if (refused && remaining === 0)
      blockedUntil.set(
        whose,
        now() + untilReset(headers.get("x-ratelimit-reset"), headers.get("date"), now()),
      );
    else if (status === 429 || (refused && (await mentionsSecondaryLimit(answer))))
      blockedUntil.set(SECONDARY, now() + DEFAULT_WAIT_MS);
    const isWhole = [limit, remaining, resetsAt].every(Number.isFinite);
    // A refused token counts against no account's limit.
    if (isWhole && status !== 401) known.set(whose, { whose, limit, remaining, resetsAt, heldUntil: 0 });
  }

  return {
    fetchAs: (whose) => async (input, init) => {
      requireTime(whose);
      calls += 1;
      const answer = await fetch(input, init);
      await note(whose, answer);
      if (answer.status < 500) answered.emit();
      return answer;
    },
    hold(whose, untilMs) {
      const key = whose === "everything" ? SECONDARY : labelOf(whose);
      blockedUntil.set(key, Math.max(untilMs, blockedUntil.get(key) ?? 0));
    },
    onAnswer: answered.on,
    usage: () => ({
      calls,
      limits: [...known.values()].map((limit) => ({
        ...limit,
        heldUntil: Math.max(blockedUntil.get(limit.whose) ?? 0, blockedUntil.get(SECONDARY) ?? 0),
      })),
    }),
  };
}

/** Returns the name of a limit's owner, as `fetchAs` takes it. */
export const labelOf = (whose: LimitOwner): string => (whose === "app" ? whose : `installation ${whose}`);

const ownerOf = (label: string): LimitOwner => {
  const id = /^installation (\d+)$/.exec(label)?.[1];
  return id === undefined ? "app" : Number(id);
};
