import { setImmediate as turn } from "node:timers/promises";
import { asRefreshError, type ErrorCode, RefreshError } from "../base/errors.js";
import { DELIVERY_LISTED_WITHIN_MS } from "../base/github-facts.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import { iso } from "../base/units.js";
import type { DeliveryPage, LoggedDelivery } from "../github/api.js";
import type { Store } from "../store/database.js";
import type { Facts } from "../store/facts.js";
import { createEntries, type EntryPorts } from "./github-log.js";

export interface RecoveryPorts extends Omit<EntryPorts, "onMissed"> {
  github: EntryPorts["github"] & { deliveries(cursor: string | null): Promise<DeliveryPage> };
  facts: Facts;
  store: Store;
  wake(): void;
  /** Deliveries older than GitHub keeps were missed: everything is looked at. */
  missedBeyondRecall(since: number): void;
  /** How long GitHub keeps deliveries, in milliseconds. */
  windowMs: number;
}

/** Where the reading of GitHub's log stands; kept on disk, so that a long one goes on after a restart. */
interface Progress {
  /** Everything delivered before this is accounted for, in milliseconds. Only a deep reading moves it. */
  watermark: number;
  /** What was delivered before this is not read any more: every repository was compared instead. */
  floor?: number;
  reading: Reading | null;
}

/** A reading that is under way. */
interface Reading {
  /** Of its next page. */
  cursor: string;
  /** How often in a row that page could not be had. */
  failures?: number;
  /** GitHub's clock when it began, in milliseconds. */
  newest: number;
  pages: number;
  recovered: number;
}

export interface RecoveryState {
  readAt: number | null;
  /** What GitHub's log had by then was read: when the last reading began that was not interrupted. */
  upTo: number | null;
  error: RefreshError | null;
  /** Pages read and deliveries recovered by the reading under way; null: none is. */
  reading: { pages: number; recovered: number; at: number | null } | null;
}

export interface Recovery {
  /** Reads GitHub's log back to where it was last read to. Never throws; one at a time. */
  run(): Promise<void>;
  state(): RecoveryState;
  /** A webhook call that GitHub made, or tried to make, and that never came in. */
  onMissed: Subscribe<[delivery: LoggedDelivery]>;
  /** Ends after the page at hand. */
  stop(): Promise<void>;
}

const PROGRESS = "deliveries-read";
/** A reading goes on this far below what was read before. */
const OVERLAP_MS = DELIVERY_LISTED_WITHIN_MS;
/** Between two deep readings, which go all the way back; those between end where everything is known. */
const DEEP_EVERY_MS = 4 * 60_000;
const TELL_EVERY_PAGES = 20;
/** So often in a row one page cannot be had, and it is done without. */
const MAX_FAILURES = 5;
/** GitHub's answers to a cursor that it no longer knows; of any other call they would mean something else. */
const CURSOR_REFUSED: ErrorCode[] = ["internal", "not_found"];

/**
 * Finds the deliveries that never came in, by GitHub's own log of them: each becomes the request that
 * it would have been. GitHub is never asked to deliver again.
 * https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
 */
export function createRecovery(ports: RecoveryPorts): Recovery {
  const { facts, log } = ports;
  const missed = createSignal<[delivery: LoggedDelivery]>();
  const entries = createEntries({ ...ports, onMissed: missed.emit });
  let running: Promise<void> | null = null;
  let stopped = false;
  let begun = false;
  let heldUntil = 0;
  let readTo: number | null = null;
  /** When the last deep reading began, if it was not interrupted and none was since; 0: the next one is deep. */
  let deepAt = 0;
  const told: Omit<RecoveryState, "reading"> = { readAt: null, upTo: null, error: null };

  const progress = () => facts.get<Progress>(PROGRESS);

  async function read(): Promise<void> {
    const began = ports.now();
    // Until it is through, whatever ends it: what it leaves unread may be older than what is known.
    const lastDeepAt = deepAt;
    deepAt = 0;
    let { at, page } = await resume();
    const isResumed = at.reading !== null;
    const deep = isResumed || began - lastDeepAt >= DEEP_EVERY_MS;
    for (;;) {
      at = await take(at, page, deep);
      // Let deliveries and requests in between two pages.
      await turn();
      if (!at.reading || stopped) break;
      page = await pageOf(at);
    }
    if (at.reading) return;
    told.readAt = ports.now();
    // What was delivered since a resumed one began is not read yet.
    if (isResumed) return;
    told.upTo = began;
    deepAt = deep ? began : lastDeepAt;
  }

  /** Where the reading stands is judged by GitHub's clock, which its times are of: the local one may be days off. */
  async function resume(): Promise<{ at: Progress; page: DeliveryPage }> {
    const kept = progress();
    if (!kept) beginsAnew();
    let page: DeliveryPage;
    try {
      page = await pageOf(kept);
    } catch (error) {
      return without(error);
    }
    if (!kept) return { at: begin(page.at), page };
    if (!isBeyondRecall(kept, page.at)) return { at: kept, page };
    const at = beyondRecall(kept, page.at);
    return { at, page: kept.reading ? await pageOf(at) : page };
  }

  async function pageOf(at: Progress | null): Promise<DeliveryPage> {
    const cursor = at?.reading?.cursor ?? null;
    try {
      const page = await ports.github.deliveries(cursor);
      if (cursor === null || page.next !== cursor) return page;
      throw new RefreshError("upstream_error", "A page of GitHub's log of deliveries leads to itself");
    } catch (error) {
      if (at?.reading && !stopped)
        facts.set(PROGRESS, { ...at, reading: afterFailure(at.reading, asRefreshError(error)) });
      throw error;
    }
  }

  function afterFailure(reading: Reading, { code, retry }: RefreshError): Reading | null {
    // GitHub no longer knows a cursor that was kept: the next reading starts from the top.
    if (CURSOR_REFUSED.includes(code)) return null;
    return retry.kind === "after" ? reading : { ...reading, failures: (reading.failures ?? 0) + 1 };
  }

  /**
   * A page that cannot be had would keep back all that is newer. Where the first page can, it is not GitHub as a whole.
   */
  async function without(error: unknown): Promise<{ at: Progress; page: DeliveryPage }> {
    const at = progress();
    if ((at?.reading?.failures ?? 0) < MAX_FAILURES) throw error;
    const page = await pageOf(null);
    return { at: giveUp(at!, page.at), page };
  }

  function giveUp({ watermark }: Progress, now: number): Progress {
    log.warn(
      { since: iso(watermark) },
      "GitHub does not give a page of its log of deliveries; every repository is compared",
    );
    ports.missedBeyondRecall(watermark);
    const next = { watermark: now, floor: now, reading: null };
    facts.set(PROGRESS, next);
    return next;
  }

  /** The first start: every repository is about to be cloned, so what was delivered before tells nothing. */
  function begin(now: number): Progress {
    const first = { watermark: now, reading: null };
    facts.set(PROGRESS, first);
    return first;
  }

  /** Not after the answer: what is cloned meanwhile would be compared a second time for nothing. */
  function beginsAnew(): void {
    if (!begun) ports.missedBeyondRecall(0);
    begun = true;
  }

  /** Ahead of GitHub's clock is what was stored while that was wrong: nobody knows how far the log was read. */
  const isBeyondRecall = ({ watermark }: Progress, now: number) =>
    watermark < now - ports.windowMs || watermark > now + OVERLAP_MS;

  function beyondRecall({ watermark }: Progress, now: number): Progress {
    const why =
      watermark > now ? "GitHub's clock was ahead once" : "away for longer than GitHub keeps deliveries";
    log.warn({ since: iso(watermark) }, `${why}; every repository is compared`);
    ports.missedBeyondRecall(watermark);
    const next = { watermark: now - ports.windowMs, reading: null };
    facts.set(PROGRESS, next);
    return next;
  }

  /** One page and how far the reading is, on disk together. */
  async function take(at: Progress, page: DeliveryPage, deep: boolean): Promise<Progress> {
    const { deliveries, next, at: readAt } = page;
    const unknown = deliveries.filter(({ guid }) => !ports.deliveries.isKnown(guid));
    const payloads = await entries.details(unknown);
    const after = ports.store.transaction(() => {
      let recovered = at.reading?.recovered ?? 0;
      // Oldest first: pushes that follow one another prove their order.
      for (const delivery of unknown.toReversed())
        if (entries.record(delivery, payloads.get(delivery.id))) recovered += 1;
      // GitHub's clock when the reading began: by then everything older was in its log, or is in the overlap.
      const newest = at.reading?.newest ?? readAt;
      const oldest = deliveries.at(-1)?.deliveredAt ?? null;
      const pages = (at.reading?.pages ?? 0) + 1;
      const done = next === null || (oldest !== null && isReached(at, oldest, deep, unknown.length));
      const after: Progress = done
        ? { ...at, watermark: deep ? newest : at.watermark, reading: null }
        : { ...at, reading: { cursor: next, newest, pages, recovered } };
      readTo = oldest ?? (at.reading ? readTo : null);
      facts.set(PROGRESS, after);
      tell(pages, recovered, done);
      return after;
    });
    if (unknown.length > 0) ports.wake();
    return after;
  }

  const isReached = (at: Progress, oldest: number, deep: boolean, unknown: number) =>
    oldest < Math.max(at.watermark - OVERLAP_MS, at.floor ?? 0) || (!deep && unknown === 0);

  function tell(pages: number, recovered: number, done: boolean): void {
    const readBackTo = readTo === null ? null : iso(readTo);
    const details = { pages, recovered, readBackTo };
    if (done && recovered > 0 && ports.mode === "webhook") log.info(details, "missed deliveries recovered");
    if (!done && pages % TELL_EVERY_PAGES === 0) log.info(details, "reading missed deliveries");
  }

  return {
    run() {
      if (stopped || ports.now() < heldUntil) return Promise.resolve();
      running ??= read()
        .then(() => {
          told.error = null;
        })
        .catch((error: unknown) => {
          if (stopped) return;
          told.error = asRefreshError(error);
          const { code, hint, message, retry } = told.error;
          if (retry.kind === "after") heldUntil = ports.now() + retry.ms;
          log.warn({ code, reason: message, hint }, "the App's deliveries could not be read");
        })
        .finally(() => {
          running = null;
        });
      return running;
    },
    state() {
      const reading = progress()?.reading;
      return {
        ...told,
        reading: reading ? { pages: reading.pages, recovered: reading.recovered, at: readTo } : null,
      };
    },
    onMissed: missed.on,
    stop() {
      stopped = true;
      return running ?? Promise.resolve();
    },
  };
}
