import type { Context } from "hono";
import { z } from "zod";
import { badRequest } from "./lookup.js";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

export interface Paging<Place> {
  limit: number;
  after: Place | null;
}

/**
 * A cursor contains the sort key of the last entry, so entries that are added or removed do not shift pages.
 */
export const toCursor = (place: readonly (string | number)[] | null): string | null =>
  place && Buffer.from(JSON.stringify(place)).toString("base64url");

/**
 * Parses `?limit=` and `?cursor=`, or returns the answer that explains what is wrong with them.
 * @param field the query's field that has the cursor, where an answer has several lists
 */
export function findPaging<Place>(
  context: Context,
  place: z.ZodType<Place>,
  entries = DEFAULT_LIMIT,
  field = "cursor",
): Paging<Place> | Response {
  const { limit = String(entries), [field]: cursor } = context.req.query();
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT)
    return badRequest(
      "limit is not a valid number of entries",
      `write a whole number from 1 to ${MAX_LIMIT}`,
    );
  const after = cursor ? place.safeParse(parse(cursor)) : null;
  if (after && !after.success)
    return badRequest("cursor is not valid", "use the value of next from the previous page, unchanged");
  return { limit: Number(limit), after: after?.data ?? null };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

export const PagingQuery = {
  limit: z
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: `entries per page, 1 to ${MAX_LIMIT}`, example: "100" }),
  cursor: z.string().optional().meta({ description: "`next` of the previous page" }),
};
/** The query of a list that a cluster gathers from its nodes. */
export const NodeQuery = z
  .literal("self")
  .optional()
  .meta({ description: "of a cluster: the list of the node that is asked alone" });

/** The nodes that a gathered list lacks. */
export const Missing = z
  .array(z.string())
  .optional()
  .meta({ description: "of a cluster: the nodes that did not answer" });

/** Whether a query is about the node that is asked, and not about its cluster. */
export const onlyHere = (context: Context): { onlyHere?: boolean } =>
  context.req.query("node") === "self" ? { onlyHere: true } : {};

export const Next = z
  .string()
  .nullable()
  .meta({ description: "cursor of the next page; null on the last page" });
