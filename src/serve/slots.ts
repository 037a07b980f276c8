import { Refusal } from "./refusal.js";

/** Limits how many programs serve readers at a time. */
export interface Slots {
  /**
   * Resolves once a slot is free, in the order of arrival. @returns what gives the slot back
   * @throws Refusal 503 when too many wait; the signal's reason
   */
  take(signal: AbortSignal): Promise<() => void>;
}

const RETRY_S = 10;

export function createSlots({ running, waiting }: { running: number; waiting: number }): Slots {
  let free = running;
  const queue = new Set<() => void>();

  function giveBack(): void {
    const [next] = queue;
    if (next === undefined) free += 1;
    else {
      queue.delete(next);
      next();
    }
  }

  const slot = () => {
    let isHeld = true;
    return () => {
      if (isHeld) giveBack();
      isHeld = false;
    };
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return slot();
      }
      if (queue.size >= waiting) throw new Refusal(503, "too many readers at once", RETRY_S);
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          queue.delete(enter);
          reject(signal.reason);
        };
        const enter = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        queue.add(enter);
        signal.addEventListener("abort", leave, { once: true });
      });
      return slot();
    },
  };
}

/** Holds a slot while `use` runs. */
export async function withSlot<T>(slots: Slots, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
  const giveBack = await slots.take(signal);
  try {
    return await use();
  } finally {
    giveBack();
  }
}
