/** Releases what was opened, the last first. */
export interface Releasers {
  /**
   * A part calls `add` as soon as it has opened something. What is added during a release is next in turn;
   * what is added after the release is released at once.
   */
  add(name: string, release: () => unknown): void;
  /**
   * Runs every release, even after a failed one. A release that does not end by the deadline is abandoned,
   * and every later one is only started. A second call waits for the first.
   * @throws AggregateError with what failed and what was abandoned
   */
  release(options: { deadlineMs: number }): Promise<void>;
}

interface Entry {
  name: string;
  release: () => unknown;
}

export function createReleasers(): Releasers {
  const stack: Entry[] = [];
  const failures: Error[] = [];
  let endsAt: number | null = null;
  let done = Promise.resolve();

  async function releaseAll(): Promise<void> {
    for (let next = stack.pop(); next; next = stack.pop()) {
      const failure = await releaseOne(next, Math.max(0, endsAt! - performance.now()));
      if (failure) failures.push(failure);
    }
  }

  return {
    add(name, release) {
      stack.push({ name, release });
      if (endsAt !== null) done = done.then(releaseAll);
    },
    async release({ deadlineMs }) {
      if (endsAt === null) {
        endsAt = performance.now() + deadlineMs;
        done = releaseAll();
      }
      await done;
      const [first] = failures;
      if (first) throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
    },
  };
}

/** @returns what went wrong; null: the release has ended */
async function releaseOne({ name, release }: Entry, waitMs: number): Promise<Error | null> {
  let timer: NodeJS.Timeout | undefined;
  const ended = Promise.resolve()
    .then(release)
    .then(
      () => null,
      (cause: unknown) => new Error(`${name}: ${messageOf(cause)}`, { cause }),
    );
  const left = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`${name}: it did not finish in time`)), waitMs);
  });
  const failure = await Promise.race([ended, left]);
  clearTimeout(timer);
  return failure;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
