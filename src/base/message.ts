const MAX_LENGTH = 200;

/**
 * Returns what another program or server said in a form for logs, pages and terminals: one line without control
 * characters, of a bounded length in characters.
 */
export function asMessage(text: string, maxLength = MAX_LENGTH): string {
  const line = text
    .slice(0, 4 * maxLength)
    .replace(/[\p{Control}\p{Surrogate}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`;
}
