import type { Context, MiddlewareHandler } from "hono";
import { createDrawings } from "./drawings.js";
import type { Part } from "./part.js";

/** An open page that asks for an update sends its parts, each with its mark: `verdict=0a1b2c,charts=3d4e5f`. */
const KNOWN = "x-known-parts";
const DRAWING = "drawing";

/** What an open page needs to be up to date. */
export interface Drawing {
  /** Title, icon and the time, which every update has. */
  frame: string;
  parts: Part[];
}

/** Whether an open page asks for what has changed in it. */
export const isUpdate = (context: Context): boolean => context.req.header(KNOWN) !== undefined;

/** Hands on what was drawn for an update. The answer is written for each reader by `liveUpdates`. */
export function setDrawing(context: Context, drawing: Drawing): Response {
  context.set(DRAWING, drawing);
  return context.body(null, 204);
}

/**
 * Answers an open page with the parts that it does not have yet. However many ask, a page is drawn once for each change.
 * A page that cannot be shown, such as that of a repository which is gone, is answered to each reader in full.
 */
export function liveUpdates(changed: Parameters<typeof createDrawings>[0]["changed"]): MiddlewareHandler {
  const drawings = createDrawings<Drawing | null>({ changed });
  return async (context, next) => {
    if (context.req.method !== "GET" || !isUpdate(context)) return next();
    const { pathname, search } = new URL(context.req.url);
    let isOurs = false;
    const drawing = await drawings.of(pathname + search, async () => {
      isOurs = true;
      await next();
      return (context.get(DRAWING) as Drawing | undefined) ?? null;
    });
    if (drawing === null) return isOurs ? undefined : next();
    context.res = undefined;
    context.res = await context.html(textOf(drawing, context.req.header(KNOWN) ?? ""));
  };
}

function textOf({ frame, parts }: Drawing, known: string): string {
  const has = new Map(known.split(",").map((part) => part.split("=", 2) as [string, string]));
  const changed = parts.filter(({ name, mark }) => has.get(name) !== mark);
  return frame + changed.map(({ name, html }) => html(has.get(name))).join("");
}
