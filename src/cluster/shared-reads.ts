import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Seal } from "./seal.js";

interface Ports {
  redis: Pick<Redis, "time" | "get" | "incr" | "hget" | "hset" | "del" | "set" | "pexpire">;
  prefix: string;
  seal: Seal;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
  /**
   * A reading that began before this is of no use here, by the monotonic clock: a node that has just started must learn
   * what GitHub could not tell it while it was away.
   */
  since: number;
}

/** A part of what one node has read from GitHub for all of them. */
export interface SharedPage<T> {
  value: T;
  /** How long ago GitHub was asked, in milliseconds. */
  agoMs: number;
}

interface Options {
  /** What was complete longer ago than this is read again, in milliseconds. */
  maxAgeMs: number;
}

/** Reads from GitHub once what all nodes of the cluster need. */
export interface SharedReads {
  /**
   * Yields what another node has read under the key, or is just reading; else reads it here, and shares it. Without Redis
   * each node reads for itself.
   * @param read is called once, or twice when Redis is lost meanwhile: its first pages then come again
   * @throws what `read` throws
   */
  pages<T>(key: string, read: () => AsyncIterable<T>, options: Options): AsyncIterable<SharedPage<T>>;
  /** Notes that what was read under the key before now is of no use. Does not wait, and never throws. */
  outdate(key: string): void;
  /** Notes the same of everything. Resolves once all nodes go by it, or Redis is away. Never throws. */
  outdateAll(): Promise<void>;
}

/** A reader that dies is followed by the next one after this long, in milliseconds. */
const LOCK_MS = 10_000;
const RENEW_MS = 3_000;
const LOOK_MS = 200;
/** What nobody asks for any more leaves Redis, in milliseconds. */
const KEEP_MS = 15 * 60_000;
/** Nodes that go on with a lost Redis do not wait longer for another one, in milliseconds. */
const PATIENCE_MS = 10 * 60_000;

/** The end of a reading: it is complete, and consists of these pages of this run. */
interface End {
  run: string;
  pages: number;
  /** Redis's clock when the reading began, and when it was complete, in milliseconds. */
  begun: number;
  at: number;
  /** How often the key had been outdated when the reading began. */
  version: string;
}

/** A reading that this node begins. */
interface Run {
  run: string;
  /** Redis's clock at the beginning, in milliseconds. */
  begun: number;
  version: string;
}

interface Page {
  run: string;
  number: number;
  /** Redis's clock before GitHub was asked, in milliseconds. */
  askedAt: number;
  value: unknown;
}

export function createSharedReads({ redis, prefix, seal, clock, since }: Ports): SharedReads {
  const keysOf = (key: string) => ({
    pages: `${prefix}:read:${key}`,
    lock: `${prefix}:reading:${key}`,
    version: `${prefix}:outdated:${key}`,
  });

  const everything = `${prefix}:outdated`;

  const close = (key: string, value: End | Page) => seal.close("read", JSON.stringify([key, value]));

  /** @returns null: no node of this cluster wrote it for this key */
  function open<T>(key: string, sealed: string | null): T | null {
    const text = sealed === null ? null : seal.open("read", sealed);
    if (text === null) return null;
    const [of, value] = JSON.parse(text) as [string, T];
    return of === key ? value : null;
  }

  /** Redis's own clock is the only one that all nodes share, in milliseconds. */
  async function redisNow(): Promise<number> {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  }

  async function versionOf(key: string): Promise<string> {
    const [own, all] = await Promise.all([redis.get(keysOf(key).version), redis.get(everything)]);
    return `${all ?? ""}.${own ?? ""}`;
  }

  /** It counts for as long as anything that was read before may be in Redis. */
  async function raise(version: string): Promise<void> {
    await redis.incr(version);
    await redis.pexpire(version, KEEP_MS);
  }

  async function findEnd(key: string, { maxAgeMs }: Options): Promise<End | null> {
    const end = open<End>(key, await redis.hget(keysOf(key).pages, "end"));
    if (!end || end.version !== (await versionOf(key))) return null;
    // Before Redis is asked: however long its answer takes, no reading that began before `since` passes for a later one.
    const sinceMs = clock() - since;
    const now = await redisNow();
    const age = now - end.at;
    const isSince = now - end.begun <= sinceMs;
    return age >= 0 && age <= maxAgeMs && isSince ? end : null;
  }

  /** @returns null: the page is gone, or is not of this reading */
  async function pageOf<T>(key: string, { run, pages }: End, number: number): Promise<SharedPage<T> | null> {
    if (number >= pages) return null;
    const page = open<Page>(key, await redis.hget(keysOf(key).pages, String(number)));
    if (page?.run !== run || page.number !== number) return null;
    return { value: page.value as T, agoMs: Math.max(0, (await redisNow()) - page.askedAt) };
  }

  /** Waits for another node that reads, and takes its place when it is gone. @returns null: this node is to read */
  async function findOrLock(key: string, run: string, options: Options): Promise<End | null> {
    const until = clock() + PATIENCE_MS;
    for (;;) {
      const end = await findEnd(key, options);
      if (end || clock() > until) return end;
      if ((await redis.set(keysOf(key).lock, run, "PX", LOCK_MS, "NX")) === "OK") {
        // Another one may have ended between the two calls.
        const late = await findEnd(key, options);
        if (late) await redis.del(keysOf(key).lock);
        return late;
      }
      await sleep(LOOK_MS);
    }
  }

  /** Shares what `read` yields; a Redis that fails meanwhile ends the sharing, and nothing else. */
  async function* readAndShare<T>(key: string, { run, begun, version }: Run, read: () => AsyncIterable<T>) {
    const { pages, lock } = keysOf(key);
    const begunAt = clock();
    const now = () => begun + (clock() - begunAt);
    const renewal = setInterval(() => void redis.pexpire(lock, LOCK_MS).catch(() => {}), RENEW_MS);
    let sharing: Promise<unknown> = Promise.resolve();
    // It may fail while GitHub is read, and is waited for at the end.
    const next = (act: () => Promise<unknown>) => {
      sharing = sharing.then(act);
      sharing.catch(() => {});
    };
    const share = (field: string, value: End | Page) =>
      next(() => redis.hset(pages, field, close(key, value)));
    next(() => redis.del(pages));
    let [number, askedAt] = [0, now()];
    try {
      for await (const value of read()) {
        share(String(number), { run, number, askedAt, value });
        number++;
        yield { value, agoMs: now() - askedAt };
        askedAt = now();
      }
      share("end", { run, pages: number, begun, at: now(), version });
      await sharing.then(() => redis.pexpire(pages, KEEP_MS)).catch(() => {});
    } finally {
      clearInterval(renewal);
      await redis.del(lock).catch(() => {});
    }
  }

  /** Reads without sharing. */
  async function* readAlone<T>(read: () => AsyncIterable<T>) {
    let askedAt = clock();
    for await (const value of read()) {
      yield { value, agoMs: clock() - askedAt };
      askedAt = clock();
    }
  }

  /** @returns what another node has read, or the run that this node begins; null: Redis is away */
  async function begin(key: string, options: Options): Promise<{ end: End } | Run | null> {
    const run = randomUUID();
    try {
      const end = await findOrLock(key, run, options);
      return end ? { end } : { run, begun: await redisNow(), version: await versionOf(key) };
    } catch {
      return null;
    }
  }

  return {
    async *pages<T>(key: string, read: () => AsyncIterable<T>, options: Options) {
      const found = await begin(key, options);
      if (found === null || "run" in found) {
        yield* found === null ? readAlone(read) : readAndShare(key, found, read);
        return;
      }
      for (let number = 0; number < found.end.pages; number++) {
        const page = await pageOf<T>(key, found.end, number).catch(() => null);
        if (!page) {
          yield* readAlone(read);
          return;
        }
        yield page;
      }
    },
    outdate: (key) => void raise(keysOf(key).version).catch(() => {}),
    outdateAll: () => raise(everything).catch(() => {}),
  };
}
