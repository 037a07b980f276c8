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
  wake(): void;
}

/** What one process knows of its readings, from one to the next. */
export interface ReadingState {
  stopped: boolean;
  /** Whether the first reading there ever was has been announced. */
  hasAnnouncedFirst: boolean;
  /** When the oldest delivery was made that the reading under way has seen. */
  readBackTo: number | null;
  /** When the last deep reading began, if it was not interrupted and none was since; 0: the next one is deep. */
  deepAt: number;
  /** When a reading last came to its end. */
  readAt: number | null;
  /** When the last reading began that was not interrupted. */
  upTo: number | null;
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

/** Between two deep readings, which go all the way back; those between end where everything is known. */
const DEEP_EVERY_MS = 4 * 60_000;
const LOG_EVERY_PAGES = 20;

/** Reads GitHub's log back to where it was last read to. @throws RefreshError when a page cannot be had */
export async function readLog(context: ReadingContext): Promise<void> {
  const { ports, state } = context;
  const beganAt = ports.now();
  // Until it is through, whatever ends it: what it leaves unread may be older than what is known.
  const lastDeepAt = state.deepAt;
  state.deepAt = 0;
  let { progress, page } = await resume(context);
  const isResumed = progress.reading !== null;
  const isDeep = isResumed || beganAt - lastDeepAt >= DEEP_EVERY_MS;
  for (;;) {
    progress = await takePage(context, { progress, page }, { isDeep });
    // Let deliveries and requests in between two pages.
    await turn();
    if (!progress.reading || state.stopped) break;
    page = await fetchPage(context, progress);
  }
  if (progress.reading) return;
  state.readAt = ports.now();
  // What was delivered since a resumed one began is not read yet.
  if (isResumed) return;
  state.upTo = beganAt;
  state.deepAt = isDeep ? beganAt : lastDeepAt;
}

/** Where the reading stands is judged by GitHub's clock, which its times are of: the local one may be days off. */
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

/** Not after the answer: what is cloned meanwhile would be compared a second time for nothing. */
function announceFirstReading({ ports, state }: ReadingContext): void {
  if (!state.hasAnnouncedFirst) ports.reportExpired(0);
  state.hasAnnouncedFirst = true;
}

async function fetchPage({ ports, state }: ReadingContext, progress: Progress | null): Promise<DeliveryPage> {
  const cursor = progress?.reading?.cursor ?? null;
  try {
    const page = await ports.github.deliveries(cursor);
    if (cursor === null || page.next !== cursor) return page;
    throw new RefreshError("upstream_error", "A page of GitHub's delivery log links to itself");
  } catch (error) {
    if (progress && !state.stopped) saveFailure(ports, progress, asRefreshError(error));
    throw error;
  }
}

/**
 * A page that cannot be had would keep back all that is newer. Where the first page can, it is not GitHub as a whole.
 * @throws the error, while the page may still be had
 */
async function resumeWithout(context: ReadingContext, error: unknown): Promise<Position> {
  const progress = getProgress(context.ports);
  if (!progress || !hasFailedTooOften(progress)) throw error;
  const page = await fetchPage(context, null);
  return { progress: skipUnreadable(context.ports, progress, page.at), page };
}

/** One page and how far the reading is, on disk together. */
async function takePage(
  context: ReadingContext,
  { progress, page }: Position,
  { isDeep }: { isDeep: boolean },
): Promise<Progress> {
  const { ports, entries, state } = context;
  const { deliveries, next } = page;
  const unknown = deliveries.filter(({ guid }) => !ports.deliveries.isKnown(guid));
  const payloads = await entries.details(unknown);
  const after = ports.store.transaction(() => {
    let recovered = progress.reading?.recovered ?? 0;
    // Oldest first: pushes that follow one another prove their order.
    for (const delivery of unknown.toReversed())
      if (entries.record(delivery, payloads.get(delivery.id))) recovered += 1;
    // GitHub's clock when the reading began: by then everything older was in its log, or is in the overlap.
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
  if (unknown.length > 0) ports.wake();
  return after;
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
