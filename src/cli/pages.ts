import type { Client } from "./client.js";
import { warnOfMissing } from "./print.js";

/**
 * Fetches a whole list, page by page.
 * @param path the list's path in the API
 * @param member the field of the answer that has the entries
 */
export async function everyPage<T>(
  client: Client,
  path: string,
  member: string,
  filter: Record<string, string> = {},
): Promise<T[]> {
  const found: T[] = [];
  const missing = new Set<string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = new URLSearchParams({ ...filter, limit: "1000", cursor });
    const { body }: { body: Record<string, unknown> } = await client.ask("GET", `${path}?${query}`);
    found.push(...(body[member] as T[]));
    cursor = body.next as string | null;
    for (const node of (body.missing as string[] | undefined) ?? []) missing.add(node);
  }
  warnOfMissing([...missing]);
  return found;
}
