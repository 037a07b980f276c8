/** Takes a listener; what it returns takes the listener away again. */
export type Subscribe<Args extends unknown[]> = (listener: (...args: Args) => void) => () => void;

/** What a part has to say to parts that are made after it. Listeners are called at once, in their order. */
export interface Signal<Args extends unknown[]> {
  /** @throws what a listener throws */
  emit(...args: Args): void;
  on: Subscribe<Args>;
}

export function createSignal<Args extends unknown[]>(): Signal<Args> {
  const listeners = new Set<(...args: Args) => void>();
  return {
    emit(...args) {
      for (const listener of [...listeners]) listener(...args);
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
