import type { Context } from "hono";
import type { z } from "zod";
import { badRequest } from "./lookup.js";

/** Returns the parsed JSON of a request, or the answer that explains what is wrong with it. */
export async function readBody<T extends z.ZodType>(context: Context, schema: T, example: string) {
  return check(schema, parse(await context.req.text()), `send JSON such as ${example}`);
}

/** Returns the parsed body, or the answer that explains what is wrong with it. */
export function check<T extends z.ZodType>(schema: T, sent: unknown, remedy: string): z.infer<T> | Response {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const detail = result.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return badRequest(detail.join("; "), remedy);
}

/** The problem of a body that is longer than the call allows. @param maxBytes the limit */
export const tooLarge = (maxBytes: number) => ({
  status: 413,
  reason: "too_large",
  detail: "the body is too large",
  remedy: `send at most ${maxBytes} bytes of JSON`,
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
