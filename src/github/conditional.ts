import { RequestError } from "@octokit/request-error";
import { dropOldest } from "../base/drop-oldest.js";

/** Answers to so many questions are remembered. */
const MAX_KNOWN = 20_000;

interface Headers {
  date?: string;
  etag?: string;
}

export interface Answer<T> {
  value: T;
  headers: Headers;
}

/**
 * Makes the function that asks conditionally: while nothing has changed GitHub answers 304, which does not count against
 * the rate limit.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
 */
export function createConditional<T>() {
  const known = new Map<string, { etag: string; value: T }>();

  function remember(key: string, { value, headers: { etag } }: Answer<T>): void {
    known.delete(key);
    if (etag) known.set(key, { etag, value });
    dropOldest(known, MAX_KNOWN);
  }

  /**
   * @param ask sends the question with these headers
   * @returns the remembered value while GitHub says that nothing has changed, with the headers of that answer
   */
  return async (
    key: string,
    ask: (headers: Record<string, string>) => Promise<Answer<T>>,
  ): Promise<Answer<T>> => {
    const last = known.get(key);
    try {
      const answer = await ask(last ? { "if-none-match": last.etag } : {});
      remember(key, answer);
      return answer;
    } catch (error) {
      if (last && error instanceof RequestError && error.status === 304)
        return { value: last.value, headers: error.response?.headers ?? {} };
      throw error;
    }
  };
}
