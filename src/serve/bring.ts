import { type Slots, withSlot } from "./slots.js";

export interface BringPorts {
  /**
   * Fetches these objects into the repository's mirror as its only writer, and keeps them for a while.
   * @param objects called once it is the only writer: what is wanted by then
   * @returns the objects that the mirror has now @throws RefreshError
   */
  fetch(id: number, objects: () => readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Limits how many repositories are fetched into at a time. */
  slots: Slots;
  onFailed(id: number, error: unknown): void;
}

/** Brings objects that GitHub has and the mirror lacks. */
export interface Bring {
  /** @returns whether the mirror has them in time; the fetch goes on all the same */
  bring(id: number, objects: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** Whether the object is wanted already, so that whoever wants it, too, need not look for it first. */
  isComing(id: number, object: string): boolean;
}

/** A fetch that everybody joins who wants something of the same repository, until it begins. */
interface Round {
  wanted: Set<string>;
  /** Never rejects. */
  brought: Promise<ReadonlySet<string>>;
}

const PATIENCE_MS = 2_000;
/** More objects than this are not fetched at a time; GitHub answers who wants more. */
const MAX_WANTED = 50;
/** After a failure GitHub answers for so long. */
const REST_MS = 15_000;
const NOTHING: ReadonlySet<string> = new Set();

/** @param patienceMs after this time GitHub answers in the mirror's place */
export function createBring(ports: BringPorts, stopping: AbortSignal, patienceMs = PATIENCE_MS): Bring {
  /** The rounds that wait for their turn, and those that run: one of each for a repository. */
  const waiting = new Map<number, Round>();
  const running = new Map<number, Round>();
  const resting = new Set<number>();

  async function run(id: number, round: Round): Promise<ReadonlySet<string>> {
    const begin = () => {
      waiting.delete(id);
      running.set(id, round);
      return [...round.wanted];
    };
    try {
      return await withSlot(ports.slots, stopping, () => ports.fetch(id, begin, stopping));
    } catch (error) {
      if (stopping.aborted) return NOTHING;
      ports.onFailed(id, error);
      resting.add(id);
      setTimeout(() => resting.delete(id), REST_MS).unref();
      return NOTHING;
    } finally {
      for (const rounds of [waiting, running]) if (rounds.get(id) === round) rounds.delete(id);
    }
  }

  function open(id: number): Round {
    const round: Round = { wanted: new Set(), brought: Promise.resolve(NOTHING) };
    waiting.set(id, round);
    round.brought = Promise.resolve().then(() => run(id, round));
    return round;
  }

  /** @returns the round that brings the object; null: too many wait */
  function join(id: number, object: string): Round | null {
    const now = running.get(id);
    if (now?.wanted.has(object)) return now;
    const next = waiting.get(id) ?? open(id);
    if (next.wanted.size >= MAX_WANTED && !next.wanted.has(object)) return null;
    next.wanted.add(object);
    return next;
  }

  async function bring(id: number, objects: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (resting.has(id)) return false;
    const joined = objects.map((object) => ({ object, round: join(id, object) }));
    const all = joined.map(async ({ object, round }) => (await round?.brought)?.has(object) === true);
    const late = lateness(patienceMs, signal);
    try {
      return await Promise.race([Promise.all(all).then((each) => each.every(Boolean)), late.isLate]);
    } finally {
      late.end();
    }
  }

  const isComing = (id: number, object: string) =>
    [waiting, running].some((rounds) => rounds.get(id)?.wanted.has(object));
  return { bring, isComing };
}

/** Resolves to false when the time is over, or the reader has gone. */
function lateness(ms: number, signal: AbortSignal) {
  let end = () => {};
  const isLate = new Promise<false>((resolve) => {
    const giveUp = () => resolve(false);
    const timer = setTimeout(giveUp, ms);
    signal.addEventListener("abort", giveUp, { once: true });
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    };
  });
  return { isLate, end };
}
