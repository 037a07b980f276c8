import { isIP } from "node:net";
import { parseList } from "../base/patterns.js";

/** @returns scheme, host and port of an address; null: the address has more parts */
export function parseOrigin(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url?.protocol === "http:" || url?.protocol === "https:";
  return url && isWeb && url.href === `${url.origin}/` ? url.origin : null;
}

export const hasScheme = (text: string, ...schemes: string[]) =>
  URL.canParse(text) && schemes.includes(new URL(text).protocol);

/** Keys that come without TLS could be anyone's; a test has none on loopback. */
export const isIssuer = (text: string) =>
  hasScheme(text, "https:") || (hasScheme(text, "http:") && new URL(text).hostname === "127.0.0.1");

export function isAddressRange(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** One URL to post to. */
export const isPostUrl = (text: string): boolean =>
  hasScheme(text, "http:", "https:") && hasReadableUser(text);

/** A time of day in minutes since midnight; the end may come before the start, on the next day. */
export interface QuietTime {
  from: number;
  to: number;
}

/** Parses `22:00-07:00,12:00-13:00`; null: not of this form. */
export function parseQuietTimes(text: string): QuietTime[] | null {
  const times = parseList(text).map((entry) => {
    const [, ...parts] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(entry) ?? [];
    const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = parts.map(Number);
    const isTime = fromHour < 24 && toHour < 24 && fromMinute < 60 && toMinute < 60;
    return isTime ? { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute } : null;
  });
  const valid = times.filter((time) => time !== null);
  return valid.length > 0 && valid.length === times.length ? valid : null;
}

export function parseUrls(text: string): string[] | null {
  const urls = parseList(text);
  const isFit = (url: string) => hasScheme(url, "http:", "https:") && hasReadableUser(url);
  return urls.length > 0 && urls.every(isFit) ? urls : null;
}

/** A % must encode a byte, and the bytes must be valid UTF-8. */
function hasReadableUser(url: string): boolean {
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme */
export function isSigningSecret(text: string): boolean {
  const [, key = ""] = /^whsec_([A-Za-z\d+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(key, "base64");
  return bytes.toString("base64") === key && bytes.length >= 24 && bytes.length <= 64;
}
