import type { Announcer } from "../announce/announcer.js";
import type { Log } from "../base/log.js";
import { deleteInSlices } from "../base/slices.js";
import type { Config } from "../config/load.js";
import { createForgetting } from "../store/forget.js";
import type { Ground } from "./ground.js";
import type { Records } from "./records.js";

interface Needs {
  log: Log;
  ground: Pick<Ground, "store" | "github">;
  records: Pick<Records, "deliveries" | "registry" | "queue">;
  announcer: Pick<Announcer, "prune">;
}

/** A retired repository is shown this long after its mirror was deleted. */
const KEEP_RETIRED_MS = 30 * 86_400_000;
/** The rows of these tables go by their own age, whatever repository they are about. */
const BY_AGE = ["deliveries", "events"];
const REPOSITORIES = 200;

/** Deletes rows that are no longer needed; nothing of it waits for a pass of the backstop. */
export interface Pruning {
  /** Prunes every table, unless that is already going on. Logs what goes wrong, and never throws. */
  run(): Promise<void>;
  /** Nothing is written to the database after this call. */
  stop(): void;
}

export function createPruning({ retireAfterMs }: Pick<Config, "retireAfterMs">, needs: Needs): Pruning {
  const { log, ground, records, announcer } = needs;
  const { deliveries, registry, queue } = records;
  const forgetSome = createForgetting(ground.store, BY_AGE);
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | null = null;

  async function forgetRetired(): Promise<void> {
    const before = ground.github.earliestNow() - retireAfterMs - KEEP_RETIRED_MS;
    for (const id of registry.retiredBefore(before, REPOSITORIES)) {
      const isWanted = () => registry.get(id)?.state !== "retired" || queue.has({ kind: "repository", id });
      await deleteInSlices((limit) => (isWanted() ? 0 : forgetSome(id, limit)), signal);
      signal.throwIfAborted();
      if (!isWanted()) registry.forgetRetired(id);
    }
  }

  async function prune(): Promise<void> {
    try {
      // A consumer that begins now is not offered what nobody accepted for a week.
      const now = ground.github.earliestNow();
      await announcer.prune(now, signal);
      await deleteInSlices((limit) => deliveries.pruneSome(now, limit), signal);
      await forgetRetired();
    } catch (error) {
      if (signal.aborted) return;
      log.error(
        { event: "rows_not_pruned", err: error },
        "old rows could not be deleted; tried again in an hour",
      );
    }
  }

  return {
    run() {
      running ??= prune().finally(() => {
        running = null;
      });
      return running;
    },
    stop: () => stopping.abort(),
  };
}
