import type { IncomingMessage } from "node:http";

/**
 * Returns the credentials of a request; null: it has none. They are taken from the raw headers, because the others are
 * without credentials in this process, so that no log prints them (`src/http/privacy.ts`). Several headers are joined,
 * which makes a text that no judge understands.
 */
export function authorizationOf({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string | null {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === "authorization",
  );
  return values.length === 0 ? null : values.join(", ");
}
