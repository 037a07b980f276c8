import { emptyTrash, type Layout } from "../git/disk/layout.js";
import { isManaged, type Registry } from "../registry/repositories.js";
import type { Obstacles } from "./obstacles.js";
import type { Checkouts } from "./published-trees.js";

interface Tools {
  checkouts: Pick<Checkouts, "start" | "check" | "isOutdated">;
  registry: Pick<Registry, "all">;
  layout: Layout;
  obstacles: Pick<Obstacles, "report">;
  hasMirror(id: number): boolean;
  /** Whether the mirror has as much as CHECKOUTS asks for. */
  hasWantedExtent(id: number): boolean;
  /** Asks for a refresh of a repository whose published trees are not as they should be. */
  request(id: number): void;
}

export interface Sweep {
  start(): void;
  /** Once in each pass of the backstop. */
  run(): void;
}

/** Finds what no push tells of: published trees that are missing, damaged, or no longer needed. */
export function createSweep(tools: Tools): Sweep {
  const { checkouts, layout, hasMirror } = tools;

  /** A new entry of CHECKOUTS, or a link that someone took away: no push will tell of it. */
  function requestMissing({ atStart }: { atStart: boolean }): void {
    for (const repository of tools.registry.all()) {
      const { id, state, pausedAt } = repository;
      if (!isManaged(repository) || state === "suspended" || pausedAt !== null) continue;
      const lacksExtent = () => atStart && hasMirror(id) && !tools.hasWantedExtent(id);
      if ((checkouts.isOutdated(repository) || lacksExtent()) && hasMirror(id)) tools.request(id);
    }
  }

  async function clearTrash(): Promise<void> {
    for (const { path, error } of await emptyTrash(layout)) tools.obstacles.report(path, error);
  }

  return {
    start() {
      void clearTrash();
      checkouts.start();
      requestMissing({ atStart: true });
    },
    run() {
      void clearTrash();
      requestMissing({ atStart: false });
      void checkouts.check();
    },
  };
}
