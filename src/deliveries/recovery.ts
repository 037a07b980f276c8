import { asRefreshError, type RefreshError } from "../base/errors.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import type { LoggedDelivery } from "../github/api.js";
import { createEntries } from "./github-log.js";
import { getProgress } from "./progress.js";
import { type NewestCall, type ReadingPorts, type ReadingState, readLog } from "./reading.js";

export type RecoveryPorts = Omit<ReadingPorts, "onMissed" | "onPage">;

export interface RecoveryState {
  /** When the last reading that finished had begun, in milliseconds since 1970. */
  readAt: number | null;
  /**
   * The start of the last uninterrupted reading, by the monotonic clock; everything in GitHub's log at that time was
   * read.
   */
  upTo: number | null;
  /** Why the log could not be read; null as soon as GitHub has answered with a page again. */
  error: RefreshError | null;
  newest: NewestCall | null;
  /** Pages read and deliveries recovered by the current reading; null when none is running. */
  reading: { pages: number; recovered: number; at: number | null } | null;
}

export interface Recovery {
  /** Reads GitHub's log back to the point of the last reading. Never throws; calls run one at a time. */
  run(): Promise<void>;
  /** Has the next reading go back to the point of the last deep one. */
  goBack(): void;
  state(): RecoveryState;
  /** Reports a webhook call that GitHub made, or tried to make, and that never arrived. */
  onMissed: Subscribe<[delivery: LoggedDelivery]>;
  /** Ends the reading after its current page. */
  stop(): Promise<void>;
}

/** A timer may fire a moment before the wait is over by the clock. Milliseconds. */
const AFTER_HOLD_MS = 20;

/**
 * Finds deliveries that never arrived, in GitHub's own log. Each becomes the request that its delivery would
 * have become. GitHub is never asked to redeliver.
 * https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
 */
export function createRecovery(ports: RecoveryPorts): Recovery {
  const missed = createSignal<[delivery: LoggedDelivery]>();
  let lastError: RefreshError | null = null;
  // A long reading takes hours; its first page proves that the log can be read.
  const onPage = () => {
    lastError = null;
  };
  const readingPorts: ReadingPorts = { ...ports, onMissed: missed.emit, onPage };
  const entries = createEntries(readingPorts);
  const state: ReadingState = {
    stopped: false,
    hasAnnouncedFirst: false,
    readBackTo: null,
    deepAt: Number.NEGATIVE_INFINITY,
    isToGoBack: false,
    readAt: null,
    upTo: null,
    newest: null,
  };
  let running: Promise<void> | null = null;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let resumption: NodeJS.Timeout | undefined;

  async function read(): Promise<void> {
    try {
      await readLog({ ports: readingPorts, entries, state });
      lastError = null;
    } catch (error) {
      if (state.stopped) return;
      lastError = asRefreshError(error);
      const { code, hint, message, retry } = lastError;
      if (retry.kind === "after") holdFor(retry.ms);
      ports.log.warn(
        { event: "deliveries_unreadable", code, reason: message, hint },
        "could not read the App's deliveries",
      );
    } finally {
      running = null;
    }
  }

  /** GitHub's wait is kept, and the reading goes on after it, however far off the next pass is. */
  function holdFor(ms: number): void {
    heldUntil = ports.clock() + ms;
    clearTimeout(resumption);
    resumption = setTimeout(() => void run(), ms + AFTER_HOLD_MS);
    resumption.unref();
  }

  function run(): Promise<void> {
    if (state.stopped || ports.clock() < heldUntil) return Promise.resolve();
    running ??= read();
    return running;
  }

  return {
    run,
    goBack() {
      state.deepAt = Number.NEGATIVE_INFINITY;
      state.isToGoBack = true;
    },
    state() {
      const reading = getProgress(ports)?.reading;
      return {
        readAt: state.readAt,
        upTo: state.upTo,
        newest: state.newest,
        error: lastError,
        reading: reading
          ? { pages: reading.pages, recovered: reading.recovered, at: state.readBackTo }
          : null,
      };
    },
    onMissed: missed.on,
    stop() {
      state.stopped = true;
      clearTimeout(resumption);
      return running ?? Promise.resolve();
    },
  };
}
