import { RefreshError } from "../../base/errors.js";
import { toBytes } from "../run/ref-names.js";

/** A pkt-line's length is written in this many hexadecimal digits, and includes them. gitprotocol-common(5) */
export const LENGTH_DIGITS = 4;

export const FLUSH = Buffer.from("0000");
export const DELIM = Buffer.from("0001");

export function pktLine(text: string): Buffer {
  const body = toBytes(text);
  const length = (body.length + LENGTH_DIGITS).toString(16).padStart(LENGTH_DIGITS, "0");
  return Buffer.concat([Buffer.from(length), body]);
}

/** @returns the length that stands there, as a number below 4 for a line without content; null: there is none */
export function lengthAt(bytes: Buffer, at: number): number | null {
  const digits = bytes.toString("latin1", at, at + LENGTH_DIGITS);
  return /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : null;
}

/** @param command such as ls-refs */
export const invalidAnswer = (command: string, what: string) =>
  new RefreshError("upstream_error", `GitHub's answer to ${command} ${what}`);
