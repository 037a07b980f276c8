import { ageOf, isAhead } from "../base/clock.js";

interface Ports {
  /** Null means that the backstop is off. */
  intervalMs: number | null;
  now(): number;
  clock(): number;
}

/** Judges by the monotonic clock whether passes and lists end in time, so that setting the clock makes none late. */
export interface Lateness {
  /** @param at a time of the monotonic clock; null: never @returns since when it is late, by the wall clock, or null */
  ofPass(at: number | null): number | null;
  /** @param listedAt as stored, by the wall clock */
  ofList(installationId: number, listedAt: number | null): number | null;
  /** Forgets installations that are not among these. */
  keepOnly(installationIds: readonly number[]): void;
}

export function createLateness({ intervalMs, now, clock }: Ports): Lateness {
  const startedAt = clock();
  /** When a list was first seen, by the monotonic clock: it is from before that. */
  const seen = new Map<number, { listedAt: number; at: number }>();

  function lateSince(ageMs: number): number | null {
    const sinceMs = Math.min(ageMs, clock() - startedAt);
    return intervalMs !== null && sinceMs > 2 * intervalMs + 60_000 ? now() - sinceMs : null;
  }

  function ageOfList(installationId: number, listedAt: number | null): number {
    if (listedAt === null) return Number.POSITIVE_INFINITY;
    const before = seen.get(installationId);
    // A list that was stored by an earlier process is as old as the wall clock says.
    if (before === undefined || before.listedAt !== listedAt) {
      const ageMs = isAhead(listedAt, now()) ? 0 : ageOf(listedAt, now());
      seen.set(installationId, { listedAt, at: clock() - ageMs });
    }
    return clock() - seen.get(installationId)!.at;
  }

  return {
    ofPass: (at) => lateSince(at === null ? Number.POSITIVE_INFINITY : clock() - at),
    ofList: (installationId, listedAt) => lateSince(ageOfList(installationId, listedAt)),
    keepOnly(ids) {
      if (seen.size <= ids.length) return;
      const kept = new Set(ids);
      for (const id of seen.keys()) if (!kept.has(id)) seen.delete(id);
    },
  };
}
