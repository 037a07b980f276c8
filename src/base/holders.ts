/** Who holds what: each key is held until as many have let go as have taken hold. */
export interface Holders<Key> {
  /** @returns what lets go; calling it more than once changes nothing */
  hold(key: Key): () => void;
  isHeld(key: Key): boolean;
}

export function createHolders<Key>(): Holders<Key> {
  const counts = new Map<Key, number>();
  return {
    hold(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      let isHolding = true;
      return () => {
        if (!isHolding) return;
        isHolding = false;
        const left = counts.get(key)! - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
    isHeld: (key) => counts.has(key),
  };
}
