import { isUtf8 } from "node:buffer";
import { ESCAPED_BYTE } from "../../base/names.js";

/** A character of UTF-8 with all its bytes, or else one byte that is part of none: RFC 3629, section 4. Each character of the text is a byte. */
const CHARACTER =
  /([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})|[\x80-\xff]/g;

/**
 * Reads what git or GitHub writes about refs, whose names are bytes. A byte that is not part of UTF-8 is written as
 * git quotes such a byte, `\351`. No ref's name may contain a backslash (git-check-ref-format(1)), so that two names
 * stay two, and `toBytes` finds the bytes again.
 */
export function toText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  // Most lines need no change, and a search for bytes that are not UTF-8 takes longest.
  return bytes.toString("latin1").split("\n").map(toLine).join("\n");
}

function toLine(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  if (isUtf8(bytes)) return bytes.toString("utf8");
  return latin1.replace(CHARACTER, (found, character?: string) =>
    character === undefined
      ? `\\${found.charCodeAt(0).toString(8)}`
      : Buffer.from(character, "latin1").toString("utf8"),
  );
}

/** Writes text as `toText` reads it. */
export function toBytes(text: string): Buffer {
  if (!text.includes("\\")) return Buffer.from(text);
  const latin1 = Buffer.from(text).toString("latin1");
  return Buffer.from(latin1.replace(ESCAPED_BYTE, toByte), "latin1");
}

const toByte = (escaped: string): string => String.fromCharCode(Number.parseInt(escaped.slice(1), 8));
