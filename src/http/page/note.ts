import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";

const NAME = "lockstep-note";
/** Browsers drop a cookie of more than 4 KiB when escaped, and proxies refuse it. */
const MAX_LENGTH = 200;
const FLAGS = { path: "/", httpOnly: true, sameSite: "Strict" } as const;

/** Passes a form's result to the page that is shown next. */
export function setNote(context: Context, text: string): void {
  setCookie(context, NAME, text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text, {
    ...FLAGS,
    maxAge: 60,
  });
}

/** Reads the note and deletes it, so it is shown once. */
export function takeNote(context: Context): string | undefined {
  const text = getCookie(context, NAME);
  if (text) deleteCookie(context, NAME, FLAGS);
  return text;
}
