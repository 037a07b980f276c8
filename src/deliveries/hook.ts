import type { IncomingHttpHeaders } from "node:http";

/**
 * The headers of a delivery that say which webhook sent it, none of them secret, and what their values look like:
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
 */
const HEADERS = [
  ["X-GitHub-Hook-ID", /^\d{1,20}$/],
  ["X-GitHub-Hook-Installation-Target-Type", /^[a-z_]{1,32}$/],
  ["X-GitHub-Hook-Installation-Target-ID", /^\d{1,20}$/],
  ["User-Agent", /^[\x21-\x7e]{1,64}$/],
] as const;
/** Stands for a header that is missing, or does not look like GitHub's. */
const NONE = "-";

/** No text of `hookOf` is longer, in characters. */
export const MAX_HOOK = 150;

/** Returns the headers in one short text, for one column; undefined: no webhook of GitHub's sends such headers. */
export function hookOf(headers: IncomingHttpHeaders): string | undefined {
  const values = HEADERS.map(([name, form]) => {
    const value = headers[name.toLowerCase()];
    return typeof value === "string" && form.test(value) ? value : NONE;
  });
  return values[0] === NONE ? undefined : values.join(" ");
}

/** Returns the headers by their names, from the text of `hookOf`; null: it is not known. */
export function headersOfHook(hook: string | null): Record<string, string> {
  const values = hook?.split(" ") ?? [];
  const known = HEADERS.map(([name], n) => [name, values[n] ?? NONE] as const);
  return Object.fromEntries(known.filter(([, value]) => value !== NONE));
}
