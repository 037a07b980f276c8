import { dropOldest } from "../../base/drop-oldest.js";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { Source } from "../answer.js";
import type { ServedRequest } from "./requests.js";

/** What one reader has read of one repository in the last 24 hours; or all those who were refused. */
export interface ReadRow {
  /** The name that was asked for last. */
  repository: RepositoryName;
  /** null: Lockstep does not mirror the repository. */
  repositoryId: number | null;
  /** null: those who were refused, and who may be anybody. */
  reader: string | null;
  way: ServedRequest["way"] | null;
  /** The IP address of the last request. */
  address: string;
  /** The time of the last request, in milliseconds since 1970. */
  lastAt: number;
  requests: number;
  /** Answers by where they came from. */
  sources: Record<Source, number>;
  /** Answers that others had asked for, too. */
  shared: number;
  /** Requests that were refused or failed before their answer began. */
  failed: number;
  /** What was sent, in bytes. */
  bytes: number;
}

export interface ReadTable {
  served(request: ServedRequest): void;
  /** A reader with credentials was refused a mirrored repository. */
  refused(request: { repository: RepositoryName; repositoryId: number; address: string }): void;
  /** Lists rows, the last request first. @param repositoryId null: of all repositories */
  rows(repositoryId: number | null, limit: number): { rows: ReadRow[]; total: number };
}

type Counts = Pick<ReadRow, "requests" | "sources" | "shared" | "failed" | "bytes">;

interface Entry extends Omit<ReadRow, keyof Counts> {
  /** By the hour of the monotonic clock. */
  hours: Map<number, Counts>;
}

const MAX_ENTRIES = 5_000;
const HOURS = 24;
const HOUR_MS = 3_600_000;

const noCounts = (): Counts => ({
  requests: 0,
  sources: { mirror: 0, fetched: 0, github: 0 },
  shared: 0,
  failed: 0,
  bytes: 0,
});

/**
 * Remembers, in memory, who has read what. Once it has too many readers, it forgets the one whose last request is the oldest.
 * @param clocks the wall clock and the monotonic one, in milliseconds
 */
export function createReadTable({ now, monotonic }: { now(): number; monotonic(): number }): ReadTable {
  /** The last request's entry is the last. */
  const entries = new Map<string, Entry>();
  const thisHour = () => Math.floor(monotonic() / HOUR_MS);

  /** @returns the counts of this hour */
  function countsOf(whose: Omit<Entry, "hours" | "lastAt">): Counts {
    const { repository, repositoryId, reader, way } = whose;
    const key = [repositoryId ?? fullName(repository).toLowerCase(), way, reader].join(" ");
    const hours = entries.get(key)?.hours ?? new Map<number, Counts>();
    entries.delete(key);
    entries.set(key, { ...whose, lastAt: now(), hours });
    dropOldest(entries, MAX_ENTRIES);
    const hour = thisHour();
    dropOld(hours, hour);
    const counts = hours.get(hour) ?? noCounts();
    hours.set(hour, counts);
    return counts;
  }

  return {
    served({ repository, repositoryId, reader, way, address, ...request }) {
      count(countsOf({ repository, repositoryId, reader, way, address }), request);
    },
    refused(request) {
      const counts = countsOf({ ...request, reader: null, way: null });
      counts.requests += 1;
      counts.failed += 1;
    },
    rows(repositoryId, limit) {
      const hour = thisHour();
      const rows: ReadRow[] = [];
      for (const [key, { hours, ...entry }] of entries) {
        dropOld(hours, hour);
        if (hours.size === 0) entries.delete(key);
        else if (repositoryId === null || entry.repositoryId === repositoryId)
          rows.push({ ...entry, ...sum(hours.values()) });
      }
      return { rows: rows.reverse().slice(0, limit), total: rows.length };
    },
  };
}

function count(
  counts: Counts,
  { source, isShared, bytes }: Pick<ServedRequest, "source" | "isShared" | "bytes">,
): void {
  counts.requests += 1;
  counts.bytes += bytes;
  if (source === null) counts.failed += 1;
  else counts.sources[source] += 1;
  if (isShared) counts.shared += 1;
}

function dropOld(hours: Map<number, Counts>, now: number): void {
  for (const hour of hours.keys()) if (hour <= now - HOURS) hours.delete(hour);
}

function sum(all: Iterable<Counts>): Counts {
  const total = noCounts();
  for (const { requests, sources, shared, failed, bytes } of all) {
    total.requests += requests;
    total.shared += shared;
    total.failed += failed;
    total.bytes += bytes;
    for (const source of ["mirror", "fetched", "github"] as const) total.sources[source] += sources[source];
  }
  return total;
}
