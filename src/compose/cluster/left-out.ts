import type { Recovery } from "../../deliveries/recovery.js";
import type { Facts } from "../../store/facts.js";
import type { Problem } from "../../watch/problems.js";

interface Needs {
  facts: Facts;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

/** Since when deliveries are missing that other nodes could not hand over, in milliseconds since 1970. */
const FACT = "deliveries-left-out";

/** Readings that were not enough are repeated after this time, in milliseconds. */
const PACE_MS = 10_000;

/**
 * Deliveries that did not fit into this node's queue while it was away. Until GitHub's log was read from before that on,
 * nothing here says fresh.
 */
export interface LeftOut {
  /** Notes that there are some. @throws what the database throws */
  note(): void;
  /** Begins a reading of GitHub's log, if one is needed. Never throws. */
  read(recovery: Pick<Recovery, "run" | "goBack" | "state">): Promise<void>;
  problem(): Pick<Problem, "code" | "detail" | "remedy"> | null;
}

export function createLeftOut({ facts, clock, now }: Needs): LeftOut {
  let since = facts.get<number>(FACT);
  /** The time from which a reading must begin, by the monotonic clock. */
  let notedAt = clock();
  let readAt = Number.NEGATIVE_INFINITY;
  let isToGoBack = since !== null;
  return {
    note() {
      since ??= now();
      facts.set(FACT, since);
      notedAt = clock();
      isToGoBack = true;
      readAt = Number.NEGATIVE_INFINITY;
    },
    async read(recovery) {
      if (since === null || clock() - readAt < PACE_MS) return;
      readAt = clock();
      if (isToGoBack) recovery.goBack();
      isToGoBack = false;
      await recovery.run();
      // A reading that another node has shared, or that went on already, may have begun before.
      const { upTo } = recovery.state();
      if (upTo === null || upTo < notedAt) return;
      try {
        facts.set(FACT, null);
        since = null;
      } catch {
        // The database can be written at a later look.
      }
    },
    problem() {
      if (since === null) return null;
      return {
        code: "deliveries_left_out",
        detail:
          "more deliveries than QUEUE_MAX came while this node was away; GitHub's log is being read for them",
        remedy: "it ends by itself once GitHub's log was read",
      };
    },
  };
}
