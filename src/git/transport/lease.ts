import { randomBytes } from "node:crypto";
import type { RefreshError } from "../../base/errors.js";
import type { Target } from "./upstream.js";

/** One git process's way to one repository; it ends with `close`. */
export interface Lease {
  /** The remote's URL for git: loopback, no secret in it. */
  url: string;
  /** git configuration that carries the lease's key. */
  config: Record<string, string>;
  /** What went wrong between the gateway and GitHub; git itself only sees a broken answer. */
  failure(): RefreshError | null;
  /** GitHub's clock at the first answer, in whole seconds since 1970; null before it. */
  servedAt(): number | null;
  stats: { requests: number; bytes: number };
  /**
   * After a failure nobody can name: whether git was shown a kept advertisement, which is dropped now,
   * so that asking once more in full may help.
   */
  renewAdvert(): boolean;
  close(): void;
}

/** What the gateway knows of a lease while it is open. */
export interface LeaseState {
  target: Target;
  abort: AbortController;
  failure: RefreshError | null;
  servedAt: number | null;
  usedCachedAdvert: boolean;
  stats: { requests: number; bytes: number };
}

interface LeasePorts {
  /** The open leases, by the key that git sends. */
  leases: Map<string, LeaseState>;
  adverts: { drop(): void };
}

/** @param url the remote's, for git */
export function openLease({ leases, adverts }: LeasePorts, target: Target, url: string): Lease {
  const key = randomBytes(32).toString("hex");
  const stats = { requests: 0, bytes: 0 };
  const state: LeaseState = {
    target,
    abort: new AbortController(),
    failure: null,
    servedAt: null,
    usedCachedAdvert: false,
    stats,
  };
  leases.set(key, state);
  return {
    url,
    config: { "http.extraHeader": `X-Lockstep-Key: ${key}` },
    failure: () => state.failure,
    servedAt: () => state.servedAt,
    stats,
    renewAdvert() {
      if (!state.usedCachedAdvert) return false;
      adverts.drop();
      state.usedCachedAdvert = false;
      state.failure = null;
      return true;
    },
    close() {
      leases.delete(key);
      state.abort.abort();
    },
  };
}

/** Remembers GitHub's clock at the lease's first answer. @param date as the answer's header has it */
export function noteServedAt(lease: LeaseState, date: unknown): void {
  const at = Date.parse(String(date));
  if (!Number.isNaN(at)) lease.servedAt ??= Math.floor(at / 1000);
}
