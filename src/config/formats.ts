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
