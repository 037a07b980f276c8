import type { Log } from "../../base/log.js";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { SeenPorts } from "./requests.js";
import type { ReadTable } from "./table.js";

export interface ReportPorts {
  log: Pick<Log, "info">;
  table: Pick<ReadTable, "served" | "refused">;
  /** @param source where the answer came from; none: it was refused or failed */
  count(labels: { way: string; source: string }, request: { bytes: number; isShared: boolean }): void;
  /** Returns the id of the managed repository that has the name, by what Lockstep knows; null: none. */
  find(name: RepositoryName): number | null;
  /** A monotonic clock, in milliseconds. */
  clock(): number;
}

/** Whoever guesses names or tokens must not fill the log: so many refusals are logged in a minute. */
const MAX_LINES = 60;
const MINUTE_MS = 60_000;

/** Counts, logs and remembers what readers do. No credential comes here. */
export function createReport({ log, table, count, find, clock }: ReportPorts): SeenPorts {
  const lines = { since: Number.NEGATIVE_INFINITY, count: 0 };

  function mayLog(): boolean {
    if (clock() - lines.since >= MINUTE_MS) Object.assign(lines, { since: clock(), count: 0 });
    lines.count += 1;
    return lines.count <= MAX_LINES;
  }

  return {
    served(request) {
      const { repository, reader, way, source, act, isShared, bytes, durationMs, isWhole } = request;
      count({ way, source: source ?? "none" }, { bytes, isShared });
      table.served(request);
      const said = { reader, way, source, act, isShared, bytes, durationMs, isWhole };
      log.info({ event: "served", repository: fullName(repository), ...said }, "a reader was answered");
    },
    refused({ repository, address, status, hasCredentials }) {
      if (!hasCredentials) return;
      // A name that nobody has may be a credential in the wrong place.
      const repositoryId = find(repository);
      // 503 says nothing of the reader: nobody could judge it.
      if (repositoryId !== null && status !== 503) table.refused({ repository, repositoryId, address });
      if (!mayLog()) return;
      const known = repositoryId === null ? {} : { repository: fullName(repository) };
      log.info({ event: "reader_refused", ...known, address, status }, "a reader was refused");
    },
  };
}
