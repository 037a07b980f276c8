/** This many requests, or this many whose path contains `path`, are answered with this status. */
export interface StatusFault {
  status: number;
  headers?: Record<string, string>;
  times: number;
  path?: string;
  message?: string;
  /** The body, as a proxy before GitHub writes it, instead of JSON or of git's answer. */
  html?: string;
}

const SECONDARY =
  "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. " +
  "If you reach out to GitHub Support for help, please include the request ID";

export interface SlowLine {
  bytes: number;
  everyMs: number;
}

/** The faults of GitHub; each is off until a test sets it. */
export class Faults {
  /** So many git requests get 401 for a valid token. */
  refuseTokens = 0;
  gitStatus: StatusFault | undefined;
  restStatus: StatusFault | undefined;
  /** Added before each answer of the git server. */
  serverDelayMs = 0;
  /** git POSTs get no answer until this is false again. */
  hangGit = false;
  /** REST requests get no answer until this is false again. */
  hangRest = false;
  /** The connection is destroyed after so many bytes of a fetch's answer, `truncateTimes` times. */
  truncate = 0;
  truncateTimes = 1;
  /** So many answers of REST break off after so many bytes; 0: the connection is reset before the answer. */
  brokenRest = { times: 0, afterBytes: 0 };
  /** A fetch's answer comes over a slow line: so many bytes at a time, with so many milliseconds between. */
  slowLine: SlowLine | null = null;
  /** A fetch that asks for no contents gets no trees either. */
  withoutTrees = false;
  /** GitHub's clock, in milliseconds since 1970, in the Date of each answer; null: the machine's own. */
  clock: (() => number) | null = null;
  #secondary: StatusFault | undefined;

  /**
   * This many REST requests get Retry-After, whatever is left of the primary limit.
   * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
   */
  secondaryLimit(retryAfterSeconds: number, times = 1, path = ""): void {
    const headers = { "retry-after": String(retryAfterSeconds) };
    this.#secondary = { status: 403, headers, times, path, message: SECONDARY };
  }

  /** @returns the fault that hits this REST request, and counts it. */
  takeRest(path: string): StatusFault | undefined {
    return Faults.take(this.#secondary, path) ?? Faults.take(this.restStatus, path);
  }

  /** @returns the fault if it hits this request, and counts it. */
  static take(fault: StatusFault | undefined, path: string): StatusFault | undefined {
    if (!fault || fault.times <= 0 || !path.includes(fault.path ?? "")) return undefined;
    fault.times -= 1;
    return fault;
  }

  /** @returns after how many bytes this answer of REST breaks off; null for never. */
  takeBreak(): number | null {
    if (this.brokenRest.times <= 0) return null;
    this.brokenRest.times -= 1;
    return this.brokenRest.afterBytes;
  }

  takeRefusal(): boolean {
    if (this.refuseTokens <= 0) return false;
    this.refuseTokens -= 1;
    return true;
  }

  /** @returns after how many bytes this fetch breaks off; Infinity for never. */
  takeTruncation(): number {
    if (this.truncate <= 0 || this.truncateTimes <= 0) return Number.POSITIVE_INFINITY;
    this.truncateTimes -= 1;
    return this.truncate;
  }
}
