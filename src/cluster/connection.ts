import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Redis, RedisOptions } from "ioredis";

/**
 * Without it a connection that falls silent, and is never reset, stays open for ever, while its node beats on over
 * another one. Milliseconds.
 */
const SOCKET_TIMEOUT_MS = 15_000;
/** A Redis that comes back is found within this time, in milliseconds. */
const RETRY_MS = 500;

const COMMON: RedisOptions = {
  socketTimeout: SOCKET_TIMEOUT_MS,
  connectTimeout: 5_000,
  retryStrategy: (attempt) => Math.min(attempt * 50, RETRY_MS),
};

/** Commands fail within a second once Redis is away, because somebody waits for the answer. */
const ASKING: RedisOptions = {
  ...COMMON,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: 1_000,
};

/** Commands wait for as long as Redis is away, as BullMQ demands for its workers. */
const WORKING: RedisOptions = { ...COMMON, maxRetriesPerRequest: null };

/** A start waits for Redis for this long, and then goes on without, in milliseconds. */
const FIRST_MS = 3_000;

/**
 * Opens a connection that opens itself again for as long as it is not closed. The package is loaded here, so that a
 * Lockstep that is alone does without.
 * @param options `connectionName` is what Redis shows
 * @param onError is called with every failure to connect
 */
export async function connect(
  url: string,
  { kind, onError }: { kind: "asking" | "working"; onError(error: Error): void },
): Promise<Redis> {
  const { Redis } = await import("ioredis");
  const redis = new Redis(url, kind === "asking" ? ASKING : WORKING);
  redis.on("error", onError);
  letFailUnheard(redis);
  const waited = new AbortController();
  const ready = once(redis, "ready", { signal: waited.signal }).catch(() => {});
  await Promise.race([ready, setTimeout(FIRST_MS, undefined, { signal: waited.signal }).catch(() => {})]);
  waited.abort();
  return redis;
}

/**
 * A command may fail while its caller waits for something else, or no longer waits: by Node's rule that would end the
 * process. Whoever waits hears of the failure as before.
 */
function letFailUnheard(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...args) => {
    const answer = send(...args);
    if (answer instanceof Promise) answer.catch(() => {});
    return answer;
  };
}
