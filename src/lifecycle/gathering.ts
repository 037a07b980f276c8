export interface GatheringPorts<T> {
  /** Asks about all of these at once. @returns the answer about each */
  ask(ids: readonly number[]): Promise<ReadonlyMap<number, PromiseSettledResult<T>>>;
  /** Whether other work will soon ask, too. */
  isMoreExpected(): boolean;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
}

/** Gathers questions of the same kind, so that GitHub is asked once for many. */
export interface Gathering<T> {
  /**
   * Resolves with an answer that was asked for after this call. @throws what the question about this id throws, or the
   * signal's reason
   */
  ask(id: number, signal: AbortSignal): Promise<T>;
  /** Asks at once for what has been gathered, unless more is expected. */
  recheck(): void;
}

/** GitHub lists so many on a page. */
const MAX_AT_ONCE = 100;
/** Nobody waits longer for others, in milliseconds. */
const MAX_WAIT_MS = 15_000;
/** After so long without a question the next one is asked at once, in milliseconds. */
const PAUSE_MS = 5_000;

interface Question<T> {
  id: number;
  resolve(answer: T): void;
  reject(reason: unknown): void;
}

/**
 * The first question is asked at once. While more keep coming, each round waits for as long as they have come so far, so
 * that the rounds are few, and no answer is twice as late as it would be alone.
 */
export function createGathering<T>(ports: GatheringPorts<T>): Gathering<T> {
  let gathered: Question<T>[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** When the questions began to come one after the other, and when the last one came. */
  let [busySince, lastAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];

  function askNow(): void {
    clearTimeout(timer);
    timer = undefined;
    const questions = gathered;
    gathered = [];
    void answerAll(ports, questions);
  }

  function recheck(): void {
    if (gathered.length === 0) return;
    if (gathered.length >= MAX_AT_ONCE || !ports.isMoreExpected()) askNow();
    else timer ??= setTimeout(askNow, Math.min(MAX_WAIT_MS, ports.clock() - busySince));
  }

  function noteTime(): void {
    const now = ports.clock();
    if (now - lastAt > PAUSE_MS) busySince = now;
    lastAt = now;
  }

  return {
    async ask(id, signal) {
      signal.throwIfAborted();
      let leave = () => {};
      const answer = new Promise<T>((resolve, reject) => {
        const question = { id, resolve, reject };
        leave = () => {
          gathered = gathered.filter((one) => one !== question);
          reject(signal.reason);
        };
        gathered.push(question);
      });
      signal.addEventListener("abort", leave, { once: true });
      noteTime();
      recheck();
      try {
        return await answer;
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
    recheck,
  };
}

async function answerAll<T>({ ask }: GatheringPorts<T>, questions: readonly Question<T>[]): Promise<void> {
  if (questions.length === 0) return;
  try {
    const answers = await ask(questions.map(({ id }) => id));
    for (const { id, resolve, reject } of questions) {
      const answer = answers.get(id);
      if (answer?.status === "fulfilled") resolve(answer.value);
      else reject(answer?.reason);
    }
  } catch (error) {
    for (const { reject } of questions) reject(error);
  }
}
