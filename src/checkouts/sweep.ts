import { beginSlice } from "../base/slices.js";
import { emptyTrash, type Layout } from "../git/disk/layout.js";
import type { Registry } from "../registry/repositories.js";
import type { Obstacles } from "./obstacles.js";
import type { Checkouts } from "./published-trees.js";

interface Tools {
  checkouts: Pick<Checkouts, "start" | "check" | "isOutdated">;
  registry: Pick<Registry, "ids" | "managed">;
  layout: Layout;
  obstacles: Pick<Obstacles, "report">;
  hasMirror(id: number): boolean;
  /** Whether the mirror has the history and contents that CHECKOUTS asks for. */
  hasWantedExtent(id: number): boolean;
  /** Requests a refresh of a repository whose published trees differ from their commits. */
  request(id: number): void;
}

export interface Sweep {
  /** Begins to delete what is in the trash. Needs no database, and never throws. */
  clearTrash(): void;
  /** Begins with the start of the process, a few repositories at a time. @throws what the database throws */
  start(isStopped: () => boolean): Promise<void>;
  /** Runs once in each pass of the backstop, a few repositories at a time. @throws what the database throws */
  run(isStopped: () => boolean): Promise<void>;
}

/** Finds what no webhook reports: published trees that are missing, corrupt or no longer needed. */
export function createSweep(tools: Tools): Sweep {
  const { checkouts, layout, hasMirror } = tools;

  /** A new entry of CHECKOUTS or a deleted link causes no webhook. */
  function requestIfMissing(id: number, { atStart }: { atStart: boolean }): void {
    const repository = tools.registry.managed(id);
    if (!repository) return;
    if (repository.state === "suspended" || repository.pausedAt !== null) return;
    const lacksExtent = () => atStart && hasMirror(id) && !tools.hasWantedExtent(id);
    if ((checkouts.isOutdated(repository) || lacksExtent()) && hasMirror(id)) tools.request(id);
  }

  async function requestMissing(isStopped: () => boolean, options: { atStart: boolean }): Promise<void> {
    const slice = beginSlice();
    for (const id of tools.registry.ids()) {
      if (isStopped()) return;
      requestIfMissing(id, options);
      if (slice.isOver()) await slice.next();
    }
  }

  async function emptied(): Promise<void> {
    for (const { path, error } of await emptyTrash(layout)) tools.obstacles.report(path, error);
  }

  return {
    clearTrash: () => void emptied(),
    async start(isStopped) {
      checkouts.start();
      await requestMissing(isStopped, { atStart: true });
    },
    async run(isStopped) {
      await requestMissing(isStopped, { atStart: false });
      if (!isStopped()) void checkouts.check();
    },
  };
}
