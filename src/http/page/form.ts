import type { Context } from "hono";

/** Returns a form's fields; a body that is not a form, such as a malformed multipart one, has none. */
export async function readForm(context: Context): Promise<Record<string, unknown>> {
  try {
    return await context.req.parseBody();
  } catch {
    return {};
  }
}
