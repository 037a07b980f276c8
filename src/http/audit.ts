import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import { asMessage } from "../base/message.js";
import { callerOf } from "./caller.js";
import type { Paging } from "./paging.js";
import { Time } from "./view.js";

/** An operating action, and who asked for it. */
export const AuditEntry = z
  .object({
    id: z.number().int(),
    at: Time,
    token: z.string().meta({ description: "name of the token, or API_TOKEN" }),
    via: z.enum(["api", "page"]),
    action: z.string().meta({ description: "as the command line calls it", example: "tokens add" }),
    subject: z.string().meta({ description: "owner/name, an installation or a token" }),
    detail: z.string().nullable().meta({ description: "what else was asked for, such as the ref" }),
    status: z
      .number()
      .int()
      .nullable()
      .meta({ description: "of the answer; null if the action goes on, or Lockstep ended meanwhile" }),
  })
  .meta({ id: "AuditEntry" });
export type AuditView = z.infer<typeof AuditEntry>;

/** The time of an entry, in milliseconds since 1970, and its id. */
export const AuditPlace = z.tuple([z.number().int(), z.number().int()]);
type AuditPlace = z.infer<typeof AuditPlace>;

/** An action that is about to be carried out. */
export type Act = Pick<AuditView, "token" | "via" | "action" | "subject">;

export interface AuditPorts {
  /** Writes the action down; on disk on return. @returns the entry's id */
  begin(act: Act): number;
  /** Adds how the action ended. */
  end(id: number, act: Act, result: Pick<AuditView, "detail" | "status">): void;
  /** Lists entries, newest first. */
  page(paging: Paging<AuditPlace>): { audit: AuditView[]; next: AuditPlace | null };
}

const DETAIL = "audit detail";

/** Says what else an action was asked for; never with a secret. */
export const noteDetail = (context: Context, detail: string): void => context.set(DETAIL, detail);

/**
 * Writes an action down before it is carried out, and how it ended. What cannot be written down is not done.
 * @param actOf null: the request is no action
 */
export function audited(
  audit: AuditPorts,
  actOf: (context: Context) => Omit<Act, "token"> | null,
): MiddlewareHandler {
  return async (context, next) => {
    const found = actOf(context);
    if (found === null) return next();
    // A path may have anything in place of a name.
    const act = { ...found, token: callerOf(context).name, subject: asMessage(found.subject) };
    const id = audit.begin(act);
    await next();
    audit.end(id, act, { detail: (context.get(DETAIL) as string) ?? null, status: context.res.status });
  };
}
