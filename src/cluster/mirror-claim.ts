import { isAhead } from "../base/clock.js";
import type { Seal } from "./seal.js";

interface Ports {
  /** This node's name. */
  self: string;
  seal: Seal;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

interface Claim {
  /** The node that is to answer. */
  to: string;
  /** The node that asks. */
  from: string;
  /** The repository whose mirror may be read. */
  id: number;
  at: number;
}

/** What a node shows another one to read a mirror there: signed, short-lived, and for one mirror. */
export interface MirrorClaims {
  make(to: string, id: number): string;
  isValid(claim: string, id: number): boolean;
}

export function createMirrorClaims({ self, seal, now }: Ports): MirrorClaims {
  return {
    make(to, id) {
      const claim: Claim = { to, from: self, id, at: now() };
      return Buffer.from(seal.close("mirror", JSON.stringify(claim))).toString("base64url");
    },
    isValid(text, id) {
      const opened = seal.open("mirror", Buffer.from(text, "base64url").toString());
      if (opened === null) return false;
      const claim = JSON.parse(opened) as Claim;
      const isOfNow = !isAhead(claim.at, now()) && !isAhead(now(), claim.at);
      return claim.to === self && claim.id === id && isOfNow;
    },
  };
}
