import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";

const NAME = "lockstep-note";
/** Escaped, a cookie of more than 4 KiB is dropped by browsers, and refused by proxies. */
const MAX_LENGTH = 200;
const FLAGS = { path: "/", httpOnly: true, sameSite: "Strict" } as const;

/** What a form has done, for the page that it leads to. */
export function setNote(context: Context, text: string): void {
  setCookie(context, NAME, text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text, {
    ...FLAGS,
    maxAge: 60,
  });
}

/** Shown once. */
export function takeNote(context: Context): string | undefined {
  const text = getCookie(context, NAME);
  if (text) deleteCookie(context, NAME, FLAGS);
  return text;
}
