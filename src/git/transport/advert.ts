import { monotonicMs } from "../../base/clock.js";
import { asRefreshError, RefreshError } from "../../base/errors.js";
import { fullName } from "../../base/names.js";
import { readUpTo } from "../../base/read-up-to.js";
import { statusError, type Target, type Upstream } from "./upstream.js";

/** GitHub deploys its git servers often; an outdated copy costs one failed fetch. */
const KEEP_MS = 5 * 60_000;
/** After this time the idle connections may be closed: asking again opens one while git is still starting. */
const IDLE_MS = 50_000;

/** A server without protocol v2 lists its refs: this is a million of them. */
const MAX_BYTES = 64 * 2 ** 20;

export interface Adverts {
  /** @returns the advertisement, and whether GitHub was asked for it @throws RefreshError */
  get(target: Target, signal: AbortSignal): Promise<{ body: Buffer; fetched: boolean }>;
  /** Whether `warm` would do nothing. */
  isWarm(): boolean;
  warm(target: Target): void;
  /** Notes that a request to GitHub has just ended. */
  used(): void;
  drop(): void;
}

/**
 * The protocol v2 capability advertisement describes the server, not the repository (gitprotocol-v2(5)). One
 * copy per host therefore serves every fetch, and saves each fetch a round trip.
 */
export function createAdverts(upstream: Upstream): Adverts {
  let cached: { body: Buffer; until: number } | null = null;
  let asking: Promise<Buffer> | null = null;
  let usedAt = Number.NEGATIVE_INFINITY;

  async function ask(target: Target): Promise<Buffer> {
    const answer = await upstream.send({
      path: `/${fullName(target)}.git/info/refs?service=git-upload-pack`,
      method: "GET",
      headers: { "git-protocol": "version=2", "user-agent": "git/2.0 (lockstep)", accept: "*/*" },
      installationId: target.installationId,
      signal: AbortSignal.timeout(30_000),
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw statusError(answer, { kind: "git", host: upstream.host }, upstream.name);
    }
    const body = await readAdvert(answer.body, MAX_BYTES);
    // The page of a proxy or of a network's sign-in is no answer of git's; git would only call it invalid.
    if (!isPktLine(body))
      throw new RefreshError(
        "upstream_error",
        `${upstream.name}'s git server answered 200 with something other than git's protocol`,
        {
          resource: { kind: "git", host: upstream.host },
        },
      );
    usedAt = monotonicMs();
    if (isVersion2(body)) cached = { body, until: monotonicMs() + KEEP_MS };
    return body;
  }

  async function shared(target: Target, signal: AbortSignal): Promise<Buffer> {
    if (asking) {
      // Another repository's failure proves nothing about this one.
      const body = await asking.catch(() => null);
      if (body && isVersion2(body)) return body;
      signal.throwIfAborted();
      return ask(target);
    }
    asking = ask(target).finally(() => {
      asking = null;
    });
    return asking;
  }

  const isUsed = () => monotonicMs() - usedAt <= IDLE_MS;
  const isWarm = () => asking !== null || (isUsed() && cached !== null && cached.until >= monotonicMs());

  return {
    async get(target, signal) {
      if (cached && cached.until > monotonicMs()) return { body: cached.body, fetched: false };
      return { body: await shared(target, signal).catch(rethrow), fetched: true };
    },
    isWarm,
    warm(target) {
      if (isWarm()) return;
      // A connection is opened by asking again.
      if (!isUsed()) cached = null;
      shared(target, AbortSignal.timeout(30_000)).catch(() => {}); // git asks again and gets the error
    },
    used() {
      usedAt = monotonicMs();
    },
    drop() {
      cached = null;
    },
  };
}

const rethrow = (error: unknown): never => {
  throw asRefreshError(error);
};

async function readAdvert(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const advert = await readUpTo(body, maxBytes);
  if (advert === null)
    throw new RefreshError("upstream_error", "the advertisement of refs is larger than 64 MiB");
  return advert;
}

/** Every answer begins with the length of its first line: gitprotocol-common(5). */
const isPktLine = (body: Buffer) => /^[0-9a-f]{4}/i.test(body.toString("latin1", 0, 4));

/** A v2 server names its version in its first or second pkt-line; a v0 server lists its refs instead. */
const isVersion2 = (body: Buffer) => body.subarray(0, 64).includes("version 2");
