/** Readers of a repository who have come, and whose pack is not on its way yet. */
export interface Approach {
  /** @returns what is called once the reader's pack is on its way, or the reader has gone; once or more often */
  enter(repositoryId: number): () => void;
  /** Whether a reader of the repository is on the way. */
  isAny(repositoryId: number): boolean;
}

/**
 * Of a crowd one reader is the first, and has some of the answer before the second one has asked for it. That others are
 * on their way says that the answer will be asked for again.
 */
export function createApproach(): Approach {
  const counts = new Map<number, number>();
  return {
    enter(id) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
      let isCounted = true;
      return () => {
        if (!isCounted) return;
        isCounted = false;
        const left = counts.get(id)! - 1;
        if (left === 0) counts.delete(id);
        else counts.set(id, left);
      };
    },
    isAny: (id) => counts.has(id),
  };
}
