import { setImmediate as turn } from "node:timers/promises";
import { aboutOf, type RequestDecision, toIntent } from "./deliveries.js";
import type { DeliveryLog, DeliveryRecord, Via } from "./delivery-log.js";
import { asRefreshError, type RefreshError } from "./errors.js";
import type { Facts } from "./facts.js";
import type { DeliveryPage, LoggedDelivery, RateLimit } from "./github/github.js";
import type { Store } from "./store.js";

export interface RecoveryPorts {
  github: {
    deliveries(cursor: string | null): Promise<DeliveryPage>;
    payloadOf(deliveryId: number): Promise<unknown>;
    usage(): { limits: Pick<RateLimit, "whose" | "limit" | "remaining">[] };
  };
  facts: Facts;
  store: Store;
  deliveries: DeliveryLog;
  /** REPOSITORIES */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS lets a ref in. */
  refs(ref: string): boolean;
  /** What the receiver does with a verified delivery, but for waking the runner. */
  persist(delivery: DeliveryRecord, decision: RequestDecision): void;
  wake(): void;
  /** Deliveries older than GitHub keeps were missed: everything is looked at. */
  missedBeyondRecall(since: number): void;
  /** A webhook call that GitHub made, or tried to make, and that never came in. */
  onMissed(delivery: LoggedDelivery): void;
  /** pull: GitHub's log is the way in, so what a delivery says of single refs is fetched too. */
  mode: "webhook" | "pull";
  /** How long GitHub keeps deliveries, in milliseconds. */
  windowMs: number;
  now(): number;
  log: { info(details: object, message: string): void; warn(details: object, message: string): void };
}

/** Where the reading of GitHub's log stands; kept on disk, so that a long one goes on after a restart. */
interface Progress {
  /** Everything delivered before this is accounted for, in milliseconds. Only a deep reading moves it. */
  watermark: number;
  /** A reading that is under way: its next page, and GitHub's clock when it began, in milliseconds. */
  reading: { cursor: string; newest: number; pages: number; recovered: number } | null;
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
  /** Ends after the page at hand. */
  stop(): Promise<void>;
}

const PROGRESS = "deliveries-read";
/** Entries can appear minutes after the delivery. */
const OVERLAP_MS = 15 * 60_000;
/** Between two deep readings, which go all the way back; those between end where everything is known. */
const DEEP_EVERY_MS = 4 * 60_000;
/** More deliveries than this of one page, and full comparisons are cheaper than a call for each. */
const MAX_DETAILS = 30;
/** With less than this share of the App's calls left, they are for the log alone. */
const DETAILS_BUDGET = 0.2;
const TELL_EVERY_PAGES = 20;
const CURSOR_REFUSED = ["internal", "not_found"];
/** Failures that say nothing of the one delivery that was asked for. */
const OF_ALL_CALLS = ["rate_limited", "unreachable", "tls", "unauthorized"];

/**
 * Finds the deliveries that never came in, by GitHub's own log of them: each becomes the request that
 * it would have been. GitHub is never asked to deliver again.
 * https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
 */
export function createRecovery(ports: RecoveryPorts): Recovery {
  const { facts, log } = ports;
  const via: Via = ports.mode === "pull" ? "pull" : "recovered";
  let running: Promise<void> | null = null;
  let stopped = false;
  let heldUntil = 0;
  let readTo: number | null = null;
  const brokenOff = new Set<number>();
  /** When the last deep reading began, if it was not interrupted and none was since; 0: the next one is deep. */
  let deepAt = 0;
  const told: Omit<RecoveryState, "reading"> = { readAt: null, upTo: null, error: null };

  const progress = () => facts.get<Progress>(PROGRESS);

  async function read(): Promise<void> {
    let at = progress() ?? begin();
    if (at.watermark < ports.now() - ports.windowMs) at = beyondRecall(at);
    const began = ports.now();
    const isResumed = at.reading !== null;
    const deep = isResumed || began - deepAt >= DEEP_EVERY_MS;
    // Until it is through, whatever ends it: what it leaves unread may be older than what is known.
    const lastDeepAt = deepAt;
    deepAt = 0;
    do {
      const page = await pageOf(at);
      at = await take(at, page, deep);
      // Let deliveries and requests in between two pages.
      await turn();
    } while (at.reading && !stopped);
    if (at.reading) return;
    told.readAt = ports.now();
    // What was delivered since a resumed one began is not read yet.
    if (isResumed) return;
    told.upTo = began;
    deepAt = deep ? began : lastDeepAt;
  }

  async function pageOf(at: Progress): Promise<DeliveryPage> {
    try {
      return await ports.github.deliveries(at.reading?.cursor ?? null);
    } catch (error) {
      // GitHub no longer knows a cursor that was kept: the next reading starts from the top.
      if (at.reading && CURSOR_REFUSED.includes(asRefreshError(error).code))
        facts.set(PROGRESS, { ...at, reading: null } satisfies Progress);
      throw error;
    }
  }

  /** The first start: every repository is about to be cloned, so what was delivered before tells nothing. */
  function begin(): Progress {
    const first = { watermark: ports.now(), reading: null };
    facts.set(PROGRESS, first);
    ports.missedBeyondRecall(0);
    return first;
  }

  function beyondRecall(at: Progress): Progress {
    log.warn(
      { since: new Date(at.watermark).toISOString() },
      "away for longer than GitHub keeps deliveries; every repository is compared",
    );
    ports.missedBeyondRecall(at.watermark);
    const next = { watermark: ports.now() - ports.windowMs, reading: null };
    facts.set(PROGRESS, next);
    return next;
  }

  /** One page and how far the reading is, on disk together. */
  async function take(at: Progress, page: DeliveryPage, deep: boolean): Promise<Progress> {
    const { deliveries, next, at: readAt } = page;
    const unknown = deliveries.filter(({ guid }) => !ports.deliveries.isKnown(guid));
    const payloads = await details(unknown);
    const after = ports.store.transaction(() => {
      let recovered = at.reading?.recovered ?? 0;
      // Oldest first: pushes that follow one another prove their order.
      for (const delivery of unknown.toReversed())
        if (record(delivery, payloads.get(delivery.id))) recovered += 1;
      // GitHub's clock when the reading began: by then everything older was in its log, or is in the overlap.
      const newest = at.reading?.newest ?? readAt;
      const oldest = deliveries.at(-1)?.deliveredAt ?? 0;
      const pages = (at.reading?.pages ?? 0) + 1;
      const reached = oldest < at.watermark - OVERLAP_MS || (!deep && unknown.length === 0);
      const done = next === null || reached;
      const after: Progress = done
        ? { watermark: deep ? newest : at.watermark, reading: null }
        : { ...at, reading: { cursor: next, newest, pages, recovered } };
      readTo = oldest;
      facts.set(PROGRESS, after);
      tell(pages, recovered, done, oldest);
      return after;
    });
    if (unknown.length > 0) ports.wake();
    return after;
  }

  function tell(pages: number, recovered: number, done: boolean, oldest: number): void {
    const details = { pages, recovered, readBackTo: new Date(oldest).toISOString() };
    if (done && recovered > 0 && ports.mode === "webhook") log.info(details, "missed deliveries recovered");
    if (!done && pages % TELL_EVERY_PAGES === 0) log.info(details, "reading missed deliveries");
  }

  /** What the deliveries said, where asking for it costs less than comparing every ref. */
  async function details(unknown: LoggedDelivery[]): Promise<Map<number, unknown>> {
    const wanted = unknown.filter(({ event }) => event === "push" || event === "pull_request");
    if (ports.mode !== "pull" || wanted.length > MAX_DETAILS || !canAfford()) return new Map();
    const payloads = new Map<number, unknown>();
    for (const { id } of wanted) {
      const payload = await payloadOf(id);
      if (payload !== undefined) payloads.set(id, payload);
    }
    return payloads;
  }

  /** @returns undefined: GitHub cannot give this one, and what its log has must do, or it kept back all others */
  async function payloadOf(id: number): Promise<unknown> {
    try {
      return await ports.github.payloadOf(id);
    } catch (error) {
      const { code, message } = asRefreshError(error);
      // Broken off each time though the log can be read, it is this one after all.
      const isOfAll = OF_ALL_CALLS.includes(code) && !brokenOff.has(id);
      if (code === "unreachable") brokenOff.add(id);
      if (isOfAll) throw error;
      log.warn(
        { delivery: id, code, reason: message },
        "a delivery's payload cannot be had; all is compared",
      );
      return undefined;
    }
  }

  function canAfford(): boolean {
    const app = ports.github.usage().limits.find(({ whose }) => whose === "app");
    return !app || app.remaining > app.limit * DETAILS_BUDGET;
  }

  /** @returns whether it became a request */
  function record(delivery: LoggedDelivery, payload: unknown): boolean {
    const { guid: id, event, action } = delivery;
    const told = payload ?? summary(delivery);
    const decision = toIntent({ id, name: event, payload: told }, ports);
    const about: DeliveryRecord = { id, event, action, receivedAt: ports.now(), via, ...aboutOf(told) };
    if (decision.kind === "ignored") {
      ports.deliveries.ignored(about, decision.reason);
      return false;
    }
    // Without its payload nobody waits for just this one; pushes that come in now go first.
    const trigger = payload === undefined ? "backstop" : decision.intent.trigger;
    ports.persist(about, { ...decision, intent: { ...decision.intent, trigger } });
    ports.onMissed(delivery);
    return true;
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
    stop() {
      stopped = true;
      return running ?? Promise.resolve();
    },
  };
}

/** The ids that GitHub's log has, as a payload would: they ask for a full comparison or a reconcile. */
const summary = ({ action, repositoryId, installationId }: LoggedDelivery) => ({
  ...(action === null ? {} : { action }),
  ...(repositoryId === null ? {} : { repository: { id: repositoryId } }),
  ...(installationId === null ? {} : { installation: { id: installationId } }),
});
