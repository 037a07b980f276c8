import type { Installation } from "./types.js";

/** Whose limit a request counts against. */
export type Caller =
  | { kind: "app" }
  | { kind: "installation"; installation: Installation; permissions: Record<string, string> }
  | { kind: "anonymous"; fault: string };

interface Spent {
  used: number;
  /** Whole seconds since 1970. */
  reset: number;
}

/**
 * GitHub's primary rate limits, each counted from its first request on.
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export class Limits {
  app = 5000;
  installation = 5000;
  /** The limits for a caller without a valid token, who is refused anyway. */
  anonymous = 60;
  windowMs = 3_600_000;
  readonly #spent = new Map<string, Spent>();

  /** Counts one request. */
  take(caller: Caller): { headers: Record<string, string>; exceeded: boolean } {
    const limit = this[caller.kind];
    const spent = this.#spentBy(keyOf(caller));
    const exceeded = caller.kind !== "anonymous" && spent.used >= limit;
    if (!exceeded) spent.used += 1;
    const headers = {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(Math.max(0, limit - spent.used)),
      "x-ratelimit-used": String(spent.used),
      "x-ratelimit-reset": String(spent.reset),
      "x-ratelimit-resource": "core",
    };
    return { headers, exceeded };
  }

  /** Resets every limit, as after an hour. */
  reset(): void {
    this.#spent.clear();
  }

  #spentBy(key: string): Spent {
    const now = Date.now();
    const spent = this.#spent.get(key);
    if (spent && now < spent.reset * 1000) return spent;
    const fresh = { used: 0, reset: Math.ceil((now + this.windowMs) / 1000) };
    this.#spent.set(key, fresh);
    return fresh;
  }
}

const keyOf = (caller: Caller): string =>
  caller.kind === "installation" ? `installation ${caller.installation.id}` : caller.kind;

export function exceededMessage(caller: Caller): string {
  const whose = caller.kind === "installation" ? ` for installation ID ${caller.installation.id}` : "";
  return `API rate limit exceeded${whose}.`;
}
