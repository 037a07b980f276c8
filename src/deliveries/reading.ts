import { setImmediate as turn } from "node:timers/promises";
import { asRefreshError, RefreshError } from "../base/errors.js";
import { iso } from "../base/units.js";
import type { DeliveryPage } from "../github/api.js";
import type { Store } from "../store/database.js";
import type { Entries, EntryPorts } from "./github-log.js";
import {
  beginProgress,
  getProgress,
  hasFailedTooOften,
  isAccountedFor,
  isExpired,
  type Progress,
  type ProgressPorts,
  saveFailure,
  saveProgress,
  skipExpired,
  skipUnreadable,
} from "./progress.js";

export interface ReadingPorts extends EntryPorts, ProgressPorts {
  github: EntryPorts["github"] & { deliveries(cursor: string | null): Promise<DeliveryPage> };
  store: Store;
  /** Whether the queue still has a request of that subject, or the subject takes none for now. */
  isCaredFor(subject: string): boolean;
  wake(): void;
  /** Called with each page that GitHub's log has answered. */
  onPage(): void;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
}

/** The newest call in GitHub's log. */
export interface NewestCall {
  /** When GitHub called, by its own clock, in milliseconds since 1970. */
  at: number;
  /** The status of the answer that GitHub recorded; 0: none. */
  status: number;
}

/** The state of readings within one process. */
export interface ReadingState {
  stopped: boolean;
  /** Whether the very first reading was announced. */
  hasAnnouncedFirst: boolean;
  /** When the oldest delivery seen by the current reading was made. */
  readBackTo: number | null;
  /**
   * When the last deep reading began, by the monotonic clock, unless it was interrupted or a later one was; minus
   * infinity makes the next reading deep.
   */
  deepAt: number;
  /** Whether somebody has asked for a deep reading since the current one began. */
  isToGoBack: boolean;
  /** When the last reading that finished had begun, in milliseconds since 1970. */
  readAt: number | null;
  /** When the last uninterrupted reading began, by the monotonic clock. */
  upTo: number | null;
  /** The newest call in GitHub's log; null: the log was not read yet, or has none. */
  newest: NewestCall | null;
}

export interface ReadingContext {
  ports: ReadingPorts;
  entries: Entries;
  state: ReadingState;
}

interface Position {
  progress: Progress;
  page: DeliveryPage;
}

/**
 * The time between two deep readings, which go back all the way; other readings end at the first known page.
 */
const DEEP_EVERY_MS = 4 * 60_000;
const LOG_EVERY_PAGES = 20;

/**
 * Reads GitHub's log back to the point of the last reading. @throws RefreshError when a page cannot be read
 */
export async function readLog(context: ReadingContext): Promise<void> {
  const { ports, state } = context;
  let beganAt = ports.clock();
  let readAt = ports.now();
  // Deliveries that an interrupted reading leaves unread may be older than known ones, so the next reading is
  // deep.
  const lastDeepAt = state.deepAt;
  state.deepAt = Number.NEGATIVE_INFINITY;
  state.isToGoBack = false;
  let { progress, page } = await resume(context);
  beganAt -= page.keptMs ?? 0;
  readAt -= page.keptMs ?? 0;
  const isResumed = progress.reading !== null;
  const isDeep = isResumed || beganAt - lastDeepAt >= DEEP_EVERY_MS;
  for (;;) {
    progress = await takePage(context, { progress, page }, { isDeep });
    // Other deliveries and requests get a turn between two pages.
    await turn();
    if (!progress.reading || state.stopped) break;
    page = await fetchPage(context, progress);
  }
  if (progress.reading) return;
  state.readAt = readAt;
  // A resumed reading has not covered deliveries that were made after it began.
  if (isResumed) return;
  state.upTo = beganAt;
  // Who asked for a deep one meanwhile is not served by this one.
  if (!state.isToGoBack) state.deepAt = isDeep ? beganAt : lastDeepAt;
}

/**
 * Returns where to begin, judged by GitHub's clock, which made the log's times; the local clock may be days
 * off.
 */
async function resume(context: ReadingContext): Promise<Position> {
  const { ports } = context;
  const known = getProgress(ports);
  if (!known) announceFirstReading(context);
  let page: DeliveryPage;
  try {
    page = await fetchPage(context, known);
  } catch (error) {
    return resumeWithout(context, error);
  }
  if (!known) return { progress: beginProgress(ports, page.at), page };
  if (!isExpired(ports, known, page.at)) return { progress: known, page };
  const progress = skipExpired(ports, known, page.at);
  return { progress, page: known.reading ? await fetchPage(context, progress) : page };
}

/**
 * Announces the very first reading before the call, because repositories cloned meanwhile would be compared
 * twice.
 */
function announceFirstReading({ ports, state }: ReadingContext): void {
  if (!state.hasAnnouncedFirst) ports.reportExpired(0);
  state.hasAnnouncedFirst = true;
}

async function fetchPage({ ports, state }: ReadingContext, progress: Progress | null): Promise<DeliveryPage> {
  const cursor = progress?.reading?.cursor ?? null;
  try {
    const page = await ports.github.deliveries(cursor);
    if (cursor === null) noteNewest(state, page);
    if (cursor === null || page.next !== cursor) {
      ports.onPage();
      return page;
    }
    throw new RefreshError("upstream_error", "A page of GitHub's delivery log links to itself");
  } catch (error) {
    if (progress && !state.stopped) saveFailure(ports, progress, asRefreshError(error));
    throw error;
  }
}

function noteNewest(state: ReadingState, { deliveries: [first] }: DeliveryPage): void {
  if (first) state.newest = { at: first.deliveredAt, status: first.statusCode };
}

/**
 * Skips an unreadable page, which would hold back everything newer. The page is at fault only if the first
 * page can be read; otherwise GitHub as a whole fails.
 * @throws the error, while the page may still become readable
 */
async function resumeWithout(context: ReadingContext, error: unknown): Promise<Position> {
  const progress = getProgress(context.ports);
  if (!progress || !hasFailedTooOften(progress)) throw error;
  const page = await fetchPage(context, null);
  return { progress: skipUnreadable(context.ports, progress, page.at), page };
}

/** Stores one page and the reading's progress in one transaction. */
async function takePage(
  context: ReadingContext,
  { progress, page }: Position,
  { isDeep }: { isDeep: boolean },
): Promise<Progress> {
  const { ports, entries, state } = context;
  const { deliveries, next } = page;
  const unknown = deliveries.filter(({ guid }) => !ports.deliveries.isKnown(guid));
  // A request may have been given up; its open deliveries are requested again.
  const dropped = deliveries.filter(({ guid }) => isDropped(ports, guid));
  const payloads = await entries.details(unknown);
  const after = ports.store.transaction(() => {
    let recovered = progress.reading?.recovered ?? 0;
    // Oldest first: consecutive pushes prove their order.
    for (const delivery of unknown.toReversed())
      if (entries.record(delivery, payloads.get(delivery.id))) recovered += 1;
    for (const delivery of dropped) entries.request(delivery);
    // GitHub's clock when the reading began; every older delivery was in the log by then, or is in the
    // overlap.
    const newest = progress.reading?.newest ?? page.at;
    const oldest = deliveries.at(-1)?.deliveredAt ?? null;
    const pages = (progress.reading?.pages ?? 0) + 1;
    const isKnown = !isDeep && unknown.length === 0;
    const isReached = oldest !== null && (isKnown || isAccountedFor(progress, oldest));
    state.readBackTo = oldest ?? (progress.reading ? state.readBackTo : null);
    const isDone = next === null || isReached;
    const watermark = isDone && isDeep ? newest : progress.watermark;
    const reading = isDone ? null : { cursor: next, newest, pages, recovered };
    const after = saveProgress(ports, { ...progress, watermark, reading });
    if (isDone) logEnd(context, pages, recovered);
    else logPage(context, pages, recovered);
    return after;
  });
  if (unknown.length + dropped.length > 0) ports.wake();
  return after;
}

function isDropped({ deliveries, isCaredFor }: ReadingPorts, guid: string): boolean {
  const subject = deliveries.openSubject(guid);
  return subject !== null && !isCaredFor(subject);
}

function logEnd(context: ReadingContext, pages: number, recovered: number): void {
  if (recovered > 0 && context.ports.mode === "webhook")
    context.ports.log.info(
      { event: "deliveries_recovered", ...detailsOf(context, pages, recovered) },
      "missed deliveries recovered",
    );
}

function logPage(context: ReadingContext, pages: number, recovered: number): void {
  if (pages % LOG_EVERY_PAGES === 0)
    context.ports.log.info(
      { event: "deliveries_reading", ...detailsOf(context, pages, recovered) },
      "reading missed deliveries",
    );
}

function detailsOf({ state }: ReadingContext, pages: number, recovered: number) {
  return { pages, recovered, readBackTo: state.readBackTo === null ? null : iso(state.readBackTo) };
}
