import { Readable } from "node:stream";
import { monotonicMs } from "../../base/clock.js";
import { createPace } from "./pace.js";
import type { Position, Store } from "./store.js";

/** Starts what produces the answer, once there is room for it. The signal ends it. */
export type Produce = (signal: AbortSignal) => Promise<Readable>;

/** One answer that several readers follow. */
export interface SharedAnswer {
  /** Whether a further reader gets the whole answer. */
  readonly isOpen: boolean;
  readonly isIdle: boolean;
  /** A new reader's stream, from the first byte on; destroying it is leaving. */
  follow(): Readable;
  /** Frees an answer that nobody follows. */
  free(): void;
}

interface Follower extends Position {
  stream: Readable;
  /** Since when the reader has taken nothing of what is there; null: the reader waits. */
  idleSince: number | null;
}

/** The window of an answer that goes at the pace of its slowest reader, in bytes. */
const MAX_WINDOW = 2 ** 20;
/** A reader that takes nothing for this long is cut off. */
const STALL_MS = 60_000;
const LOOK_MS = 5_000;
/** All answers together block the event loop for no longer than one of them may. */
const pace = createPace();
/** One for all: an error with a stack for each of many readers costs more than what they read. */
const ENDED = new Error("the answer was ended");

interface Shared {
  produce: Produce;
  /** Whether others will probably follow, so that the whole answer should be kept for them. */
  isAwaited(): boolean;
  /** Called once, when no further reader may follow and none is left. */
  onEnd(): void;
}

export function shareAnswer({ produce, isAwaited, onEnd }: Shared, store: Store): SharedAnswer {
  const followers = new Set<Follower>();
  const abort = new AbortController();
  const bell = createBell();
  let state: "running" | "ended" | { error: unknown } = "running";
  let isFree = false;

  function free(): void {
    if (isFree) return;
    isFree = true;
    abort.abort(ENDED);
    clearInterval(timer);
    for (const { stream } of followers) stream.destroy(ENDED);
    void store.free().catch(() => {});
    onEnd();
  }

  const slowest = () => Math.min(...[...followers].map(({ piece }) => piece));

  /** In a window, the producer waits for the slowest reader. */
  async function keepPace(): Promise<void> {
    while (!isFree && !store.isWhole && followers.size > 0 && store.dropBefore(slowest()) > MAX_WINDOW)
      await bell.rungAfter(bell.count());
  }

  async function run(): Promise<void> {
    try {
      for await (const chunk of (await produce(abort.signal)) as AsyncIterable<Buffer>) {
        await store.add(chunk, followers.size > 1 || isAwaited());
        bell.ring();
        await keepPace();
      }
      state = "ended";
    } catch (error) {
      state = { error };
      for (const { stream } of followers) stream.destroy(error as Error);
    }
    bell.ring();
    if (followers.size === 0 && (state !== "ended" || !store.isWhole)) free();
  }

  async function feed(follower: Follower): Promise<void> {
    follower.idleSince = null;
    for (;;) {
      await pace();
      // What arrives while the store is asked must not be missed.
      const rings = bell.count();
      const bytes = await store.next(follower);
      if (follower.stream.destroyed) return;
      if (bytes !== null) {
        if (!store.isWhole) bell.ring();
        follower.idleSince = monotonicMs();
        return void follower.stream.push(bytes);
      }
      if (state === "ended") return void follower.stream.push(null);
      if (state !== "running") return void follower.stream.destroy(state.error as Error);
      await bell.rungAfter(rings);
    }
  }

  function leave(follower: Follower): void {
    followers.delete(follower);
    bell.ring();
    const isKept = state === "ended" && store.isWhole;
    if (followers.size === 0 && !isKept) free();
  }

  const timer = setInterval(() => {
    const before = monotonicMs() - STALL_MS;
    for (const { stream, idleSince } of followers)
      if (idleSince !== null && idleSince < before) stream.destroy(new Error("the reader takes nothing"));
  }, LOOK_MS);
  timer.unref();
  void Promise.resolve().then(run);

  return {
    get isOpen() {
      return !isFree && store.isWhole && (state === "running" || state === "ended");
    },
    get isIdle() {
      return followers.size === 0;
    },
    follow() {
      const stream = new Readable({
        read: () => void feed(follower).catch((error: Error) => stream.destroy(error)),
        destroy(error, done) {
          leave(follower);
          done(error);
        },
      });
      // A stream that is destroyed before anybody listens must not end the process.
      stream.on("error", () => {});
      const follower: Follower = { at: 0, piece: 0, stream, idleSince: null };
      followers.add(follower);
      return stream;
    },
    free,
  };
}

/** Wakes everybody who waits. */
function createBell() {
  let waiting: (() => void)[] = [];
  let rings = 0;
  return {
    count: () => rings,
    ring() {
      rings += 1;
      const all = waiting;
      waiting = [];
      for (const wake of all) wake();
    },
    /** Resolves once the bell has rung more often than `count`. */
    rungAfter: async (count: number) => {
      if (rings === count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
