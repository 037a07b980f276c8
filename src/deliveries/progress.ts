import type { ErrorCode, RefreshError } from "../base/errors.js";
import { DELIVERY_LISTED_WITHIN_MS } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import { iso } from "../base/units.js";
import type { Facts } from "../store/facts.js";

/**
 * The progress of reading GitHub's log; a long reading continues after a restart because the progress is on
 * disk.
 */
export interface Progress {
  /**
   * Every delivery made before this time is accounted for, in milliseconds. Only a deep reading moves the
   * watermark.
   */
  watermark: number;
  /**
   * Deliveries made before this time are not read any more, because every repository was compared instead.
   */
  floor?: number;
  reading: Reading | null;
}

/** A reading in progress. */
export interface Reading {
  /** The cursor of the reading's next page. */
  cursor: string;
  /** The number of failures in a row to read that page. */
  failures?: number;
  /** GitHub's clock when the reading began, in milliseconds. */
  newest: number;
  pages: number;
  recovered: number;
}

export interface ProgressPorts {
  facts: Facts;
  /** Reports that deliveries older than GitHub keeps were missed, so that every repository is compared. */
  reportExpired(since: number): void;
  /** How long GitHub keeps deliveries, in milliseconds. */
  windowMs: number;
  log: Pick<Log, "info" | "warn">;
}

const PROGRESS = "deliveries-read";
/** A reading continues this far beyond the point that an earlier reading reached. */
const OVERLAP_MS = DELIVERY_LISTED_WITHIN_MS;
/** A page that fails this many times in a row is skipped. */
const MAX_FAILURES = 5;
/** GitHub answers with these statuses when a cursor has expired; on other calls they mean something else. */
const CURSOR_REFUSED: ErrorCode[] = ["internal", "not_found"];

/** Null means that GitHub's log was never read. */
export const getProgress = ({ facts }: Pick<ProgressPorts, "facts">): Progress | null =>
  facts.get<Progress>(PROGRESS);

export function saveProgress({ facts }: Pick<ProgressPorts, "facts">, progress: Progress): Progress {
  facts.set(PROGRESS, progress);
  return progress;
}

/**
 * Starts the progress at the first start: every repository is about to be cloned, so earlier deliveries are
 * irrelevant.
 */
export const beginProgress = (ports: ProgressPorts, now: number): Progress =>
  saveProgress(ports, { watermark: now, reading: null });

/** Counts a failure to read the reading's current page. */
export function saveFailure(ports: ProgressPorts, progress: Progress, error: RefreshError): void {
  const { reading } = progress;
  if (reading) saveProgress(ports, { ...progress, reading: afterFailure(reading, error) });
}

function afterFailure(reading: Reading, { code, retry }: RefreshError): Reading | null {
  // The stored cursor has expired at GitHub; the next reading starts from the newest delivery.
  if (CURSOR_REFUSED.includes(code)) return null;
  return retry.kind === "after" ? reading : { ...reading, failures: (reading.failures ?? 0) + 1 };
}

/** Whether the reading's current page has failed so often that it is skipped. */
export const hasFailedTooOften = (progress: Progress | null): boolean =>
  (progress?.reading?.failures ?? 0) >= MAX_FAILURES;

/** Skips the unreadable page and all older pages; every repository is compared instead. */
export function skipUnreadable(ports: ProgressPorts, { watermark }: Progress, now: number): Progress {
  ports.log.warn(
    { event: "delivery_log_page_unavailable", since: iso(watermark) },
    "a page of GitHub's delivery log is unavailable; Lockstep compares every repository",
  );
  ports.reportExpired(watermark);
  return saveProgress(ports, { watermark: now, floor: now, reading: null });
}

/**
 * Whether the watermark has expired. A watermark ahead of GitHub's clock was stored while a clock was wrong
 * and proves nothing.
 */
export const isExpired = (ports: ProgressPorts, { watermark }: Progress, now: number): boolean =>
  watermark < now - ports.windowMs || watermark > now + OVERLAP_MS;

/** Restarts at the oldest delivery that GitHub's log may have; every repository is compared. */
export function skipExpired(ports: ProgressPorts, { watermark }: Progress, now: number): Progress {
  const why =
    watermark > now
      ? "GitHub's clock was ahead earlier"
      : "Lockstep was down for longer than GitHub keeps deliveries";
  ports.log.warn(
    { event: "delivery_log_gap", since: iso(watermark) },
    `${why}; Lockstep compares every repository`,
  );
  ports.reportExpired(watermark);
  return saveProgress(ports, { watermark: now - ports.windowMs, reading: null });
}

/** Whether deliveries made at that time, and all older ones, are accounted for. */
export const isAccountedFor = ({ watermark, floor }: Progress, deliveredAt: number): boolean =>
  deliveredAt < Math.max(watermark - OVERLAP_MS, floor ?? 0);
