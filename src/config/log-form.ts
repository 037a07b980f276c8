/**
 * `text`: one line for each entry, for people. Otherwise the log has the form of Probot, whose stream reads each line again
 * where it is `parsed`.
 */
export type LogForm = "text" | "json" | "parsed";

type Given = Partial<Record<"LOG_FORMAT" | "NODE_ENV" | "SENTRY_DSN" | "LOG_LEVEL_IN_STRING", string>>;

/** As Probot decides. With Sentry, each line must stay JSON. */
export function logFormOf({ LOG_FORMAT, NODE_ENV, SENTRY_DSN, LOG_LEVEL_IN_STRING }: Given): LogForm {
  if (SENTRY_DSN) return "parsed";
  if ((LOG_FORMAT ?? (NODE_ENV === "production" ? "json" : "pretty")) === "pretty") return "text";
  return LOG_LEVEL_IN_STRING ? "parsed" : "json";
}
