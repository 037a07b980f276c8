import type { Context } from "hono";
import { z } from "zod";
import { ALL_REFS, isRefText, isSha } from "../base/names.js";
import { noteDetail } from "./audit.js";
import { readBody, tooLarge } from "./body.js";
import { limitBody } from "./body-limit.js";
import { type Problem, problem } from "./problem.js";
import { Queued, Refreshed, type Route, type Routes, WaitQuery } from "./routes.js";
import type { KeptView } from "./view.js";

export type { HoldView, KeptView } from "./view.js";

/** The reason why a request was refused; nothing has changed. */
export type Refusal = Pick<Problem, "status" | "reason" | "detail" | "remedy">;

export interface HistoryPorts {
  /** Returns the kept tip of that name, and the tip that its ref has now (null: none); null: there is no such kept tip. */
  keptTip(id: number, name: string): Promise<{ kept: KeptView; current: string | null } | null>;
  /**
   * @param wanted the only value of GitHub's to allow; undefined allows the present one
   * @returns null when the permission was recorded
   */
  allow(id: number, ref: string, wanted: string | undefined): Refusal | null;
  /** Returns what blocks a change after it was allowed and refreshed; null when nothing does. */
  stillHeld(id: number, ref: string): Refusal | null;
  /**
   * @param ref needed only when the kept tip does not name its ref
   * @returns null when the request was recorded
   */
  restore(id: number, kept: string, ref: string | undefined): Promise<Refusal | null>;
}

type Step = (repository: { id: number }) => Refusal | null | Promise<Refusal | null>;

/**
 * Finds the repository, calls `start`, requests a refresh, and calls `end` when the caller waited for the
 * refresh.
 */
export type Act = (context: Context, start: Step, end?: Step) => Promise<Response>;

const MAX_BODY = 16 * 1024;
const Ref = z.string().refine(isRefText, "is not a full ref name such as refs/heads/main");
export const Allow = z.strictObject({
  ref: z.union([z.literal(ALL_REFS), Ref]),
  wanted: z.string().refine(isSha, "is not a full object name").optional(),
});
export const Restore = z.strictObject({ kept: Ref, ref: Ref.optional() });

/** Returns what the audit writes down of such a call. */
export const detailOf = (body: z.infer<typeof Allow | typeof Restore>): string =>
  Object.values(body).filter(Boolean).join(" ");

const ACTED = {
  method: "post" as const,
  query: { wait: WaitQuery },
  answers: { 200: Refreshed, 202: Queued },
  problems: [400, 404, 409, 413, 502, 504],
} satisfies Partial<Route>;
const ALLOW: Route = {
  ...ACTED,
  path: "/api/v1/repos/{owner}/{name}/allow",
  body: Allow,
  summary: "Apply a held change",
};
const RESTORE: Route = {
  ...ACTED,
  path: "/api/v1/repos/{owner}/{name}/restore",
  body: Restore,
  summary: "Restore the mirror's ref to a kept tip, and hold it there",
};

/** The operator's actions on kept tips and holds; only the requested refresh writes refs. */
export function addHistoryRoutes(routes: Routes, ports: HistoryPorts, act: Act): void {
  const limit = limitBody({ maxBytes: MAX_BODY, onTooLarge: () => problem(tooLarge(MAX_BODY)) });

  routes.add(ALLOW, limit, async (context) => {
    const body = await readBody(context, Allow, '{"ref": "refs/heads/main"}');
    if (body instanceof Response) return body;
    noteDetail(context, detailOf(body));
    return act(
      context,
      ({ id }) => ports.allow(id, body.ref, body.wanted),
      ({ id }) => ports.stillHeld(id, body.ref),
    );
  });
  routes.add(RESTORE, limit, async (context) => {
    const body = await readBody(context, Restore, '{"kept": "<name of a kept tip>"}');
    if (body instanceof Response) return body;
    noteDetail(context, detailOf(body));
    return act(context, ({ id }) => ports.restore(id, body.kept, body.ref));
  });
}
