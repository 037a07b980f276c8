/** Adds a listener, and returns the function that removes the listener. */
export type Subscribe<Args extends unknown[]> = (listener: (...args: Args) => void) => () => void;

/** A signal lets a part notify parts that are made after it. Listeners are called at once, in their order. */
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
