import { monotonicMs } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { type Disk, WORKS, type Work } from "./disk.js";
import { RESERVE_BYTES, type Reserve } from "./reserve.js";

interface Ports {
  disk: Disk;
  reserve: Reserve;
  /**
   * Ends what runs of these works, and clears what it leaves. Never throws. Nothing begins until the promise
   * resolves, since what began would be cleared with the rest.
   */
  clear(works: Work[]): Promise<void>;
  /** Called when a work may no longer run, or may run again, and when the database was given space. */
  onChange(): void;
  /** Called when nothing is being cleared any more, for which work had to wait that has room. */
  onOpen(): void;
  /** Called when there is room again for a work that had none, or for clones. */
  onRoom(): void;
  log: Pick<Log, "info" | "warn" | "error">;
}

export interface DiskWatch {
  start(): void;
  stop(): Promise<void>;
}

/** A disk takes at most so much in a millisecond, so that the floor is not crossed between two looks. */
const FASTEST = { bytes: 2 ** 20, files: 50 } as const;
const NEXT_LOOK_MS = { least: 100, most: 1_000 } as const;
/** A process that the kernel does not end, or a disk that hangs, does not keep the reserve from the database. */
const CLEAR_WITHIN_MS = 15_000;
/** What could not be cleared is tried again after this time. */
const CLEAR_AGAIN_MS = 30_000;
/** The first refreshes after a start have the disk for themselves. */
const RESERVE_AFTER_MS = 10_000;
const RESERVE_AGAIN_MS = 60_000;

interface State extends Ports {
  /** The works that may not begin. */
  closed: Set<Work>;
  /** Whether clones have less than they need. */
  isLow: boolean;
  /** When the disk was last cleared, by the monotonic clock. */
  clearedAt: number;
  /** When the reserve is made, by the monotonic clock. */
  reserveAt: number;
  timer: NodeJS.Timeout | undefined;
  looking: Promise<void>;
  isStopped: boolean;
}

/**
 * Looks at the disk all the time. Once the floor is crossed: running work is ended, its leftovers are cleared, and only
 * if that is not enough, the reserve is given back to the database. Once there is room: the reserve is made again.
 */
export function createDiskWatch(ports: Ports): DiskWatch {
  const state: State = {
    ...ports,
    closed: new Set(),
    isLow: false,
    clearedAt: Number.NEGATIVE_INFINITY,
    reserveAt: monotonicMs() + RESERVE_AFTER_MS,
    timer: undefined,
    looking: Promise.resolve(),
    isStopped: false,
  };
  return {
    start: () => lookAfter(state, 0),
    async stop() {
      state.isStopped = true;
      clearTimeout(state.timer);
      await state.looking;
      // A reserve that is not whole is of no use.
      if (ports.reserve.bytes() !== RESERVE_BYTES) await ports.reserve.release();
    },
  };
}

function lookAfter(state: State, ms: number): void {
  if (state.isStopped) return;
  state.timer = setTimeout(() => {
    state.looking = look(state)
      .catch((error: unknown) =>
        state.log.error({ event: "space_not_cleared", err: error }, "the full disk could not be relieved"),
      )
      .finally(() => lookAfter(state, nextLookMs(state.disk)));
  }, ms);
}

/** The next look comes before the floor can be crossed. */
function nextLookMs(disk: Disk): number {
  const { bytes, files } = disk.distance();
  const soonest = Math.min(bytes / FASTEST.bytes, files / FASTEST.files);
  return Math.min(NEXT_LOOK_MS.most, Math.max(NEXT_LOOK_MS.least, soonest));
}

async function look(state: State): Promise<void> {
  const { disk, closed } = state;
  await disk.measure();
  const full = WORKS.filter((work) => disk.fullFor(work) !== null);
  const isNew = full.some((work) => !closed.has(work));
  const isOver = full.length < closed.size;
  state.closed = new Set(full);
  if (full.length > 0 && (isNew || monotonicMs() - state.clearedAt >= CLEAR_AGAIN_MS))
    await clear(state, full);
  if (disk.lacksSpaceForDatabase()) await giveBack(state);
  else if (full.length === 0) keepReserve(state);
  const wasLow = state.isLow;
  state.isLow = disk.state().low;
  if (isOver || (wasLow && !state.isLow)) state.onRoom();
  if (isNew || isOver) state.onChange();
}

async function clear(state: State, works: Work[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLEAR_WITHIN_MS);
  });
  // The disk may open long after the patience is over.
  const cleared = state.disk.closedWhile(() => state.clear(works)).finally(state.onOpen);
  await Promise.race([cleared, patience]);
  clearTimeout(timer);
  state.clearedAt = monotonicMs();
  await state.disk.measure();
}

async function giveBack(state: State): Promise<void> {
  const { reserve, disk, log } = state;
  if (reserve.bytes() === 0) return;
  await reserve.release();
  log.warn({ event: "reserve_released" }, "the disk is full; the database was given the space kept for it");
  await disk.measure();
  state.onChange();
}

/** The file is written while the disk is looked at, since a full disk ends the writing. */
function keepReserve(state: State): void {
  const { reserve, log } = state;
  const now = monotonicMs();
  if (state.isStopped || reserve.bytes() === RESERVE_BYTES || now < state.reserveAt) return;
  state.reserveAt = Number.POSITIVE_INFINITY;
  reserve.make().then(
    () => {
      state.reserveAt = now;
      if (reserve.bytes() === RESERVE_BYTES)
        log.info({ event: "reserve_made" }, "the space that is kept for the database was taken");
    },
    (error: unknown) => {
      state.reserveAt = monotonicMs() + RESERVE_AGAIN_MS;
      log.warn({ event: "reserve_not_made", err: error }, "the space for the database could not be taken");
    },
  );
}
