/** The nodes that keep repositories in step for this one, as they have said. */
export interface Keepers {
  note(id: number, node: string): void;
  /** Returns the nodes that have said lately that they keep the repository. */
  of(id: number): string[];
  /** Forgets what nobody has said lately. */
  sweep(): void;
}

/** A node that keeps a repository says so again within a few seconds. */
const KEEPER_MS = 60_000;

/** @param clock the monotonic clock, in milliseconds */
export function createKeepers(clock: () => number): Keepers {
  /** By repository: which node keeps it, and until when that is believed. */
  const keepers = new Map<number, Map<string, number>>();
  return {
    note(id, node) {
      const nodes = keepers.get(id) ?? new Map<string, number>();
      keepers.set(id, nodes.set(node, clock() + KEEPER_MS));
    },
    of(id) {
      const nodes = keepers.get(id);
      return nodes ? [...nodes].flatMap(([name, until]) => (until >= clock() ? name : [])) : [];
    },
    sweep() {
      for (const [id, nodes] of keepers) {
        for (const [name, until] of nodes) if (until < clock()) nodes.delete(name);
        if (nodes.size === 0) keepers.delete(id);
      }
    },
  };
}
