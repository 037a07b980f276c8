import { COUNTED_PUSHES, type CountedPush } from "./push.js";
import { holdAtCalls } from "./trace/held-calls.js";
import type { Operation } from "./trace/operations.js";
import type { Start, World } from "./world.js";

const sweeps = new WeakMap<World, Sweep>();

/** All rounds of a world share one sweep. */
export function sweepOf(world: World): Sweep {
  const sweep = sweeps.get(world) ?? new Sweep(world.cut);
  sweeps.set(world, sweep);
  return sweep;
}

/** Cuts at the first, second, … call of the same push in turn, and then of the next push. */
class Sweep {
  #push: CountedPush;
  #next: number;
  readonly #every: number;
  /** The calls of each push, learnt from one without a fault. */
  readonly #calls = new Map<CountedPush, string[]>();
  #isComplete = false;

  constructor(start: Start | null) {
    this.#push = COUNTED_PUSHES.find(({ name }) => name === start?.push) ?? COUNTED_PUSHES[0]!;
    this.#next = start?.call ?? 1;
    this.#every = start?.every ?? 1;
  }

  /** Every call of every push had its turn. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get push(): CountedPush {
    return this.#push;
  }

  /** Null: the calls of this push are not known yet. */
  get calls(): string[] | null {
    return this.#calls.get(this.#push) ?? null;
  }

  learn(calls: string[]): void {
    this.#calls.set(this.#push, calls);
  }

  /** Returns the number of the call whose turn it is, and goes on to the next one. */
  take(): number {
    const call = this.#next;
    this.#next += this.#every;
    if (this.#next > (this.calls?.length ?? 0)) this.#advance();
    return call;
  }

  /** Goes on with the next push, because this one makes fewer calls than the one that was counted. */
  skipRest(): void {
    if (this.#next > 1) this.#advance();
  }

  #advance(): void {
    const at = COUNTED_PUSHES.indexOf(this.#push) + 1;
    this.#isComplete ||= at === COUNTED_PUSHES.length;
    this.#push = COUNTED_PUSHES[at % COUNTED_PUSHES.length]!;
    this.#next = 1;
  }
}

/**
 * Counts what Lockstep and its gits do to DATA_DIR. Writes to one file that nothing else comes between count as one call,
 * which a cut therefore finds half done.
 * @param cutAt the number of a call; null: none
 * @param cut is called at once after that call, while its thread is held
 */
export async function countCalls(world: World, cutAt: number | null, cut: () => void) {
  const calls: string[] = [];
  let last: Operation | null = null;
  const strace = await holdAtCalls(world.lockstep.pid, world.dataDir, (operation) => {
    const isNew = !goesOn(operation, last);
    last = operation;
    if (!isNew) return;
    calls.push(textOf(operation, world.dataDir));
    if (calls.length === cutAt) cut();
  });
  return { calls, strace };
}

const goesOn = (operation: Operation, last: Operation | null): boolean =>
  operation.kind === "write" && last?.kind === "write" && operation.path === last.path;

const textOf = (operation: Operation, dataDir: string): string =>
  "path" in operation ? `${operation.kind} ${operation.path.replace(`${dataDir}/`, "")}` : operation.kind;
