/** An answer to a reader that is not git's: the request is not served. The message is shown to the reader. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 421 | 503,
    message: string,
    /** The value of Retry-After, in seconds; null: none. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The request has something that Lockstep does not understand, and therefore does not pass on to git. */
export const notUnderstood = (what: string): Refusal => new Refusal(400, `the request has ${what}`);
