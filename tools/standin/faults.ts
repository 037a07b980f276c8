/** Answer so many requests, or so many whose path contains `path`, with this status. */
export interface StatusFault {
  status: number;
  headers?: Record<string, string>;
  times: number;
  path?: string;
}

/** What goes wrong at GitHub; everything is off until a test sets it. */
export class Faults {
  /** So many git requests get 401 for a valid token. */
  refuseTokens = 0;
  gitStatus: StatusFault | undefined;
  restStatus: StatusFault | undefined;
  /** Added before each answer of the git server. */
  serverDelayMs = 0;
  /** git POSTs get no answer until this is false again. */
  hangGit = false;
  /** The connection is destroyed after so many bytes of a fetch's answer, `truncateTimes` times. */
  truncate = 0;
  truncateTimes = 1;

  /** @returns the fault if it hits this request, and counts it. */
  static take(fault: StatusFault | undefined, path: string): StatusFault | undefined {
    if (!fault || fault.times <= 0 || !path.includes(fault.path ?? "")) return undefined;
    fault.times -= 1;
    return fault;
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
