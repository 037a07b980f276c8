import { LENGTH_DIGITS, lengthAt } from "../git/transport/pkt-line.js";
import { notUnderstood } from "./refusal.js";

/** The longest line that a request may have, in bytes: the name of a ref has 4 KiB at most. */
const MAX_LINE = 8 * 1024;
/** The longest line of git's protocol, in bytes. */
const MAX_OWN_LINE = 65_520;

export const FLUSH = "0000";
export const DELIM = "0001";

/** The text has one character for each byte (latin1), and no line end. */
export type Packet = { kind: "flush" } | { kind: "delim" } | { kind: "line"; text: string };

export interface PacketReader {
  /** Reads what has arrived, and keeps an unfinished line. @throws Refusal 400, or what `onPacket` throws */
  push(bytes: Buffer): void;
  /** @throws Refusal 400 when a line is unfinished */
  end(): void;
}

/** @param isOurs whether git has written the lines, which may then be as long as git writes them, and have a zero byte */
export function createPacketReader(
  onPacket: (packet: Packet) => void,
  { isOurs = false } = {},
): PacketReader {
  const maxLine = isOurs ? MAX_OWN_LINE : MAX_LINE;
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(bytes) {
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      let at = 0;
      while (all.length - at >= LENGTH_DIGITS) {
        const length = requireLength(all, at, maxLine);
        if (all.length - at < length) break;
        onPacket(packetAt(all.subarray(at + LENGTH_DIGITS, at + length), { length, isOurs }));
        at += Math.max(length, LENGTH_DIGITS);
      }
      // A copy lets go of the rest of the chunk.
      rest = Buffer.from(all.subarray(at));
    },
    end() {
      if (rest.length > 0) throw notUnderstood("an unfinished line");
    },
  };
}

/** @returns 0: flush, 1: delimiter */
function requireLength(bytes: Buffer, at: number, maxLine: number): number {
  const length = lengthAt(bytes, at) ?? -1;
  const isKnown = length === 0 || length === 1 || (length > LENGTH_DIGITS && length <= maxLine);
  if (!isKnown) throw notUnderstood("a line whose length is not one of git's protocol");
  return length;
}

function packetAt(bytes: Buffer, { length, isOurs }: { length: number; isOurs: boolean }): Packet {
  if (length === 0) return { kind: "flush" };
  if (length === 1) return { kind: "delim" };
  const text = bytes.toString("latin1").replace(/\n$/, "");
  if (!isOurs && /[\n\0]/.test(text)) throw notUnderstood("a line with a line end or a zero byte in it");
  return { kind: "line", text };
}

/** Writes a line as git reads it. @param text one character for each byte */
export function pktLine(text: string): string {
  const length = text.length + 1 + LENGTH_DIGITS;
  return `${length.toString(16).padStart(LENGTH_DIGITS, "0")}${text}\n`;
}

/** Writes what git's client shows as an error of the server: gitprotocol-pack(5). */
export const errorLine = (message: string): string => pktLine(`ERR ${message}`);
