import { randomBytes } from "node:crypto";
import { RefreshError } from "../../base/errors.js";
import { startDeadline, type Times } from "./deadline.js";
import type { ReadFor } from "./read-limits.js";
import type { Target } from "./upstream.js";

/** Which refs of a repository GitHub is asked for. */
export interface RefsQuestion {
  /** GitHub need not send refs that begin with none of these. */
  prefixes: readonly string[];
  /** Whether a ref, by its full name, is part of the answer. */
  isWanted(ref: string): boolean;
  /** The answer must be complete within this time, in milliseconds. */
  timeoutMs: number;
}

/** A fetch that Lockstep makes itself, in one request. */
export interface PackQuestion {
  /** The object that is wanted. */
  want: string;
  /** A commit that GitHub may build on. */
  have: string;
  /** The answer must be complete within this time, in milliseconds. */
  timeoutMs: number;
  /** The answer is given up when GitHub sends nothing for so long, in milliseconds. */
  stallMs: number;
  /** A longer answer is not read to its end, in bytes. */
  maxBytes: number;
}

/** A lease gives one git process access to one repository, until `close`. */
export interface Lease {
  /** The remote's URL for git: loopback, without a secret. */
  url: string;
  /** GitHub's host, such as github.com. */
  host: string;
  /** The git configuration that carries the lease's key. */
  config: Record<string, string>;
  /**
   * Asks GitHub for refs, without git. @returns objects by ref name; refs that GitHub does not have are missing
   * @throws RefreshError
   */
  refs(question: RefsQuestion, signal: AbortSignal): Promise<Map<string, string>>;
  /**
   * Asks GitHub for a pack in one request, without git. @returns the pack as it was sent; null: it is longer than wanted
   * @throws RefreshError
   */
  pack(question: PackQuestion, signal: AbortSignal): Promise<Buffer | null>;
  /** Returns what went wrong between the gateway and GitHub; git itself only sees a broken answer. */
  failure(): RefreshError | null;
  /** Returns GitHub's clock at the first answer, in whole seconds since 1970; null before that answer. */
  servedAt(): number | null;
  stats: { requests: number; bytes: number };
  /**
   * Called after a failure of unknown cause. @returns whether git was shown a cached advertisement, which is
   * now dropped, so that a second try with a new one may succeed.
   */
  renewAdvert(): boolean;
  close(): void;
}

/** The gateway's state of an open lease. */
export interface LeaseState {
  target: Target;
  readFor: ReadFor;
  /** GitHub is asked for packs once this has resolved; its failure is the lease's. */
  allowed: Promise<unknown>;
  abort: AbortController;
  failure: RefreshError | null;
  servedAt: number | null;
  usedCachedAdvert: boolean;
  mayBeUnwritten(): Promise<boolean>;
  stats: { requests: number; bytes: number };
}

interface LeasePorts {
  /** The open leases, by the key that git sends. */
  leases: Map<string, LeaseState>;
  adverts: { drop(): void };
  upstream: { name: string; host: string };
  ask: Ask<RefsQuestion, Map<string, string>>;
  askForPack: Ask<PackQuestion, Buffer | null>;
}

/** Asks GitHub for what belongs to a lease. */
type Ask<Question, Answer> = (lease: LeaseState, question: Question, signal: AbortSignal) => Promise<Answer>;

export interface LeaseOptions {
  /** git may start at once, but nothing is fetched before this has resolved. Its failure becomes the lease's. */
  allowed?: Promise<unknown>;
  /** Whom git reads for. Default: a refresh. */
  readFor?: ReadFor;
  /**
   * Whether GitHub's "not found" means an empty repository, as of a wiki without a page. Asked when GitHub has answered
   * so. Default: no.
   */
  mayBeUnwritten?(): Promise<boolean>;
}

/** @param url the remote's URL, for git */
export function openLease(
  { leases, adverts, upstream, ask, askForPack }: LeasePorts,
  {
    target,
    url,
    allowed = Promise.resolve(),
    readFor = "refresh",
    mayBeUnwritten = async () => false,
  }: LeaseOptions & { target: Target; url: string },
): Lease {
  const key = randomBytes(32).toString("hex");
  const stats = { requests: 0, bytes: 0 };
  const state: LeaseState = {
    target,
    readFor,
    allowed,
    abort: new AbortController(),
    failure: null,
    servedAt: null,
    usedCachedAdvert: false,
    mayBeUnwritten,
    stats,
  };
  leases.set(key, state);
  allowed.catch(() => {}); // A git that asks for a pack gets the failure.

  async function inTime<Question extends Times, Answer>(
    send: Ask<Question, Answer>,
    question: Question,
    signal: AbortSignal,
    what: string,
  ): Promise<Answer> {
    const deadline = startDeadline(question, () => stats.bytes);
    try {
      return await send(state, question, AbortSignal.any([signal, deadline.signal, state.abort.signal]));
    } catch (error) {
      const { lateMs } = deadline;
      if (lateMs() === null || signal.aborted) throw error;
      throw new RefreshError("timeout", `${upstream.name} did not ${what} within ${lateMs()! / 1000} s`);
    } finally {
      deadline.release();
    }
  }

  return {
    url,
    host: upstream.host,
    config: { "http.extraHeader": `X-Lockstep-Key: ${key}` },
    refs: (question, signal) => inTime(ask, question, signal, "list its refs"),
    pack: (question, signal) => inTime(askForPack, question, signal, "send a pack"),
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

/** Records GitHub's clock at the lease's first answer. @param date as the answer's header has it */
export function noteServedAt(lease: LeaseState, date: unknown): void {
  const at = Date.parse(String(date));
  if (!Number.isNaN(at)) lease.servedAt ??= Math.floor(at / 1000);
}
