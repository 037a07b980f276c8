const SHORTEST_S = 1;
const LONGEST_S = 3_600;

/**
 * Reads a Retry-After header: seconds or an HTTP date. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @param value the header as the client has it
 * @returns milliseconds, from a second to an hour; undefined when the header is missing or cannot be read
 */
export function parseRetryAfter(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, SHORTEST_S), LONGEST_S) * 1000;
}
