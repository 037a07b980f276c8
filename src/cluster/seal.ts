import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** What a sealed text is for. A text that was sealed for one purpose does not open for another. */
export type Purpose =
  | "beat"
  | "name"
  | "settings"
  | "delivery"
  | "left-out"
  | "read"
  | "ask"
  | "forward"
  | "reader"
  | "mirror";

/**
 * Signs what goes through Redis, so that whoever can write there cannot speak for a node. Nothing is encrypted.
 */
export interface Seal {
  /** Returns the text with its signature in front. */
  close(purpose: Purpose, text: string): string;
  /** Returns the text; null: no node of this cluster signed it for this purpose. */
  open(purpose: Purpose, sealed: string): string | null;
  /** Returns 32 bytes that all nodes share, and nobody else knows. */
  keyFor(use: "tickets" | "sessions"): Buffer;
}

/** Bytes of SHA-256, as 43 characters of base64url. */
const SIGNATURE = 43;

/** @param cluster nodes of another cluster with the same secret have other keys */
export function createSeal({ secret, cluster }: { secret: string; cluster: string }): Seal {
  const keys = new Map<string, Buffer>();
  function keyFor(use: string): Buffer {
    const known = keys.get(use);
    if (known) return known;
    const key = Buffer.from(hkdfSync("sha256", secret, cluster, `lockstep ${use}`, 32));
    keys.set(use, key);
    return key;
  }
  const sign = (purpose: Purpose, text: string) =>
    createHmac("sha256", keyFor(purpose)).update(text).digest("base64url");
  return {
    keyFor,
    close: (purpose, text) => sign(purpose, text) + text,
    open(purpose, sealed) {
      const text = sealed.slice(SIGNATURE);
      const [given, right] = [Buffer.from(sealed.slice(0, SIGNATURE)), Buffer.from(sign(purpose, text))];
      return given.length === right.length && timingSafeEqual(given, right) ? text : null;
    },
  };
}
