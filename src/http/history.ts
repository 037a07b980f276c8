import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { isRefName, isSha } from "../names.js";
import { type Problem, problem } from "./problem.js";

/** An old tip that can be had again. Times are ISO 8601 texts in UTC. */
export interface KeptView {
  /** The ref in the mirror that keeps it. */
  name: string;
  /** Where it was; null when its name was too long to be kept with it. */
  ref: string | null;
  sha: string;
  keptAt: string;
  expiresAt: string;
  /** The call that puts the mirror's ref back to it. */
  restore: string;
  /** The command that puts GitHub's ref back to it, with one's own credentials; null where `ref` is. */
  push: string | null;
}

/** A ref that is held where it is. */
export interface HoldView {
  ref: string;
  tip: string;
  /** What GitHub has; all zeros: no such ref. */
  wanted: string;
  since: string;
  cause: "blocked" | "restored";
  /** The call that takes GitHub's value over. */
  allow: string;
  /** The command that undoes it at GitHub, with one's own credentials. */
  push: string;
}

/** Why something was not done; nothing has changed. */
export type Refusal = Pick<Problem, "status" | "reason" | "detail" | "remedy">;

export interface HistoryPorts {
  /** @param heads every ref of the mirror */
  history(id: number, heads: Record<string, string>): Promise<{ kept: KeptView[]; holds: HoldView[] }>;
  /** @param wanted the one value of GitHub's to let through; undefined: the one it has. null: noted */
  allow(id: number, ref: string, wanted: string | undefined): Refusal | null;
  /** What stands in the way of a change that was allowed and looked at since; null: nothing. */
  stillHeld(id: number, ref: string): Refusal | null;
  /** @param ref needed only where the kept tip does not say. null: noted */
  restore(id: number, kept: string, ref: string | undefined): Promise<Refusal | null>;
}

type Step = (repository: { id: number }) => Refusal | null | Promise<Refusal | null>;

/** Finds the repository, does `start`, asks for a refresh, and does `end` when its end was waited for. */
export type Act = (context: Context, start: Step, end?: Step) => Promise<Response>;

const MAX_BODY = 16 * 1024;
const Ref = z.string().refine(isRefName, "is no full ref name such as refs/heads/main");
const Allow = z.strictObject({
  ref: Ref,
  wanted: z.string().refine(isSha, "is no full object name").optional(),
});
const Restore = z.strictObject({ kept: Ref, ref: Ref.optional() });

/** What an operator can do about kept tips and holds; refs are only ever written by the refresh asked for. */
export function addHistoryRoutes(app: Hono, ports: HistoryPorts, act: Act): void {
  const limit = bodyLimit({ maxSize: MAX_BODY, onError: () => problem(tooLarge) });

  app.post("/api/v1/repos/:owner/:name/allow", limit, async (context) => {
    const body = await read(context, Allow, '{"ref": "refs/heads/main"}');
    if (body instanceof Response) return body;
    return act(
      context,
      ({ id }) => ports.allow(id, body.ref, body.wanted),
      ({ id }) => ports.stillHeld(id, body.ref),
    );
  });
  app.post("/api/v1/repos/:owner/:name/restore", limit, async (context) => {
    const body = await read(context, Restore, '{"kept": "<name of a kept tip>"}');
    if (body instanceof Response) return body;
    return act(context, ({ id }) => ports.restore(id, body.kept, body.ref));
  });
}

const tooLarge: Refusal = {
  ...{ status: 413, reason: "too_large", detail: "the body is too large" },
  remedy: `send at most ${MAX_BODY} bytes of JSON`,
};

async function read<T extends z.ZodType>(context: Context, schema: T, example: string) {
  const result = schema.safeParse(parse(await context.req.text()));
  if (result.success) return result.data;
  const detail = result.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return problem({
    ...{ status: 400, reason: "bad_request", detail: detail.join("; ") },
    remedy: `send JSON such as ${example}`,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
