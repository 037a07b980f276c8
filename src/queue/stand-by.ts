import { keyOf, type Subject } from "../base/model.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import type { Runs } from "./runner.js";
import { countStandingBy } from "./slots.js";

/** While so many runs wait without a slot, further ones keep theirs, so that they stay bounded. */
const MAX_STANDING_BY = 200;

export interface StandBy {
  /**
   * Frees the slot of a run while the run waits, unless very many do. After the wait the run counts again at once, even if
   * its slot is taken: what it still has to do must be short.
   */
  standBy<T>(subject: Subject, wait: () => Promise<T>): Promise<T>;
  /** Fires when a slot is free, before the wait begins. */
  onFreed: Subscribe<[]>;
}

/** @param runs the active runs of the runner */
export function createStandBy(runs: Runs): StandBy {
  const freed = createSignal<[]>();
  return {
    onFreed: freed.on,
    async standBy(subject, wait) {
      const run = runs.get(keyOf(subject));
      const workClass = run?.class;
      if (!run || !workClass || countStandingBy(runs.values()) >= MAX_STANDING_BY) return wait();
      run.class = null;
      freed.emit();
      try {
        return await wait();
      } finally {
        run.class = workClass;
      }
    },
  };
}
