/** One holder at a time for each repository. */
export interface Turns {
  /** Resolves when the turn has come. @throws the signal's reason when the signal fires before */
  begin(id: number, signal: AbortSignal, options?: { canWait?: boolean }): Promise<void>;
  /** Ends the turn that has begun. */
  end(id: number): void;
}

interface Waiting {
  begin(): void;
  /** How many later calls may still go before this one. */
  patience: number;
}

/** So many calls go before one that can wait; then it has its turn. */
const PATIENCE = 8;

/** Gives turns in the order of the calls, except that others go before a call that can wait. */
export function createTurns(): Turns {
  /** Who waits, for each repository whose turn somebody has. */
  const lines = new Map<number, Waiting[]>();

  function end(id: number): void {
    const next = lines.get(id)!.shift();
    if (next) next.begin();
    else lines.delete(id);
  }

  return {
    async begin(id, signal, { canWait = false } = {}) {
      signal.throwIfAborted();
      const line = lines.get(id);
      if (line) await turnIn(line, signal, { canWait });
      else lines.set(id, []);
      if (!signal.aborted) return;
      end(id);
      throw signal.reason;
    },
    end,
  };
}

function turnIn(line: Waiting[], signal: AbortSignal, { canWait }: { canWait: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      line.splice(line.indexOf(waiting), 1);
      reject(signal.reason);
    };
    const waiting: Waiting = {
      patience: canWait ? PATIENCE : 0,
      begin() {
        signal.removeEventListener("abort", leave);
        resolve();
      },
    };
    signal.addEventListener("abort", leave, { once: true });
    line.splice(canWait ? line.length : placeIn(line), 0, waiting);
  });
}

/** @returns the place before those who can wait, whose patience this costs */
function placeIn(line: readonly Waiting[]): number {
  let place = line.length;
  while (place > 0 && line[place - 1]!.patience > 0) {
    place -= 1;
    line[place]!.patience -= 1;
  }
  return place;
}
