import { asRefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { LoggedDelivery, RateLimit } from "../github/api.js";
import type { RequestDecision } from "./decisions.js";
import { eventNamed, toIntent } from "./events.js";
import type { DeliveryLog, DeliveryRecord, Via } from "./log.js";
import { aboutOf } from "./payload.js";

export interface EntryPorts {
  github: {
    payloadOf(deliveryId: number): Promise<unknown>;
    usage(): { limits: Pick<RateLimit, "whose" | "limit" | "remaining">[] };
  };
  deliveries: DeliveryLog;
  /** REPOSITORIES */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS lets a ref in. */
  refs(ref: string): boolean;
  /** What the receiver does with a verified delivery, but for waking the runner. */
  persist(delivery: DeliveryRecord, decision: RequestDecision): void;
  /** A webhook call that GitHub made, or tried to make, and that never came in. */
  onMissed(delivery: LoggedDelivery): void;
  /** pull: GitHub's log is the way in, so what a delivery says of single refs is fetched too. */
  mode: "webhook" | "pull";
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/** More deliveries than this of one page, and full comparisons are cheaper than a call for each. */
const MAX_DETAILS = 30;
/** With less than this share of the App's calls left, they are for the log alone. */
const DETAILS_BUDGET = 0.2;

/** What becomes of single entries of GitHub's log. */
export function createEntries(ports: EntryPorts) {
  const via: Via = ports.mode === "pull" ? "pull" : "recovered";
  const interrupted = new Set<number>();

  /** What the deliveries said, where asking for it costs less than comparing every ref. */
  async function details(unknown: LoggedDelivery[]): Promise<Map<number, unknown>> {
    const wanted = unknown.filter(({ event }) => eventNamed(event)?.needsPayload);
    if (ports.mode !== "pull" || wanted.length > MAX_DETAILS || !canAfford()) return new Map();
    const payloads = new Map<number, unknown>();
    for (const { id } of wanted) {
      const payload = await payloadOf(id);
      // What names no repository says less than the log's own entry.
      if (aboutOf(payload).repositoryId !== undefined) payloads.set(id, payload);
    }
    return payloads;
  }

  /** @returns undefined: GitHub cannot give this one, and what its log has must do, or it kept back all others */
  async function payloadOf(id: number): Promise<unknown> {
    try {
      return await ports.github.payloadOf(id);
    } catch (error) {
      const failure = asRefreshError(error);
      const { code, message } = failure;
      // Broken off each time though the log can be read, it is this one after all.
      const isOfAll = failure.is("concernsEveryCall") && !interrupted.has(id);
      if (code === "unreachable") interrupted.add(id);
      if (isOfAll) throw error;
      ports.log.warn(
        { event: "delivery_payload_unavailable", delivery: id, code, reason: message },
        "a delivery's payload is unavailable; Lockstep compares every ref",
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
    const content = payload ?? summary(delivery);
    const decision = toIntent({ id, name: event, payload: content }, ports);
    const about: DeliveryRecord = { id, event, action, receivedAt: ports.now(), via, ...aboutOf(content) };
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

  return { details, record };
}

export type Entries = ReturnType<typeof createEntries>;

/** The ids that GitHub's log has, as a payload would: they ask for a full comparison or a reconcile. */
const summary = ({ action, repositoryId, installationId }: LoggedDelivery) => ({
  ...(action === null ? {} : { action }),
  ...(repositoryId === null ? {} : { repository: { id: repositoryId } }),
  ...(installationId === null ? {} : { installation: { id: installationId } }),
});
