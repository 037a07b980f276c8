import { asRefreshError } from "../base/errors.js";
import type { Fields } from "../base/large-json.js";
import type { Log } from "../base/log.js";
import type { LoggedDelivery, RateLimit } from "../github/api.js";
import type { RequestDecision } from "./decisions.js";
import { eventNamed, toIntent } from "./events.js";
import type { DeliveryLog, DeliveryRecord, Via } from "./log.js";
import { aboutOf, shortened, USED_FIELDS } from "./payload.js";

export interface EntryPorts {
  github: {
    payloadOf(deliveryId: number, fields: Fields): Promise<unknown>;
    usage(): { limits: Pick<RateLimit, "whose" | "limit" | "remaining">[] };
  };
  deliveries: DeliveryLog;
  /** Whether REPOSITORIES includes `owner/name`. */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS includes a ref. */
  refs(ref: string): boolean;
  /** Whether WIKIS includes wikis. */
  wikis: boolean;
  /** Accepts a delivery as the receiver does, but does not wake the runner. */
  persist(delivery: DeliveryRecord, decision: RequestDecision): "accepted" | "done" | "elsewhere";
  /** Reports a webhook call that GitHub made, or tried to make, and that never arrived. */
  onMissed(delivery: LoggedDelivery): void;
  /** With `pull`, GitHub's log is the only source, so payloads that name single refs are fetched too. */
  mode: "webhook" | "pull";
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/** For more deliveries than this on one page, full comparisons cost less than one call for each payload. */
const MAX_DETAILS = 30;
/** With less than this share of the App's calls left, calls are reserved for reading the log. */
const DETAILS_BUDGET = 0.2;

/** Turns single entries of GitHub's log into requests. */
export function createEntries(ports: EntryPorts) {
  const via: Via = ports.mode === "pull" ? "pull" : "recovered";
  const interrupted = new Set<number>();

  /** Fetches the payloads, where the calls cost less than comparing every ref. */
  async function details(unknown: LoggedDelivery[]): Promise<Map<number, unknown>> {
    const wanted = unknown.filter(({ event }) => eventNamed(event)?.needsPayload);
    if (ports.mode !== "pull" || wanted.length > MAX_DETAILS || !canAfford()) return new Map();
    const payloads = new Map<number, unknown>();
    for (const { id } of wanted) {
      const payload = await payloadOf(id);
      // A payload that does not name a repository says less than the entry of the log.
      if (aboutOf(payload).repositoryId !== undefined) payloads.set(id, payload);
    }
    return payloads;
  }

  /**
   * @returns undefined when GitHub lacks the payload, or when repeated failures of the one call would block
   * all others; the entry of the log is used instead
   */
  async function payloadOf(id: number): Promise<unknown> {
    try {
      return await ports.github.payloadOf(id, USED_FIELDS);
    } catch (error) {
      const failure = asRefreshError(error);
      const { code, message } = failure;
      // A payload that breaks the connection each time, while the log can be read, is itself the cause.
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

  /** Says what an entry is about, and what it asks for. @param content the payload, or what stands for it */
  function read({ guid: id, event, action }: LoggedDelivery, content: unknown) {
    const receivedAt = ports.now();
    const decision = toIntent({ id, name: event, payload: content, receivedAt }, ports);
    const known = action === null ? null : shortened(action);
    const about: DeliveryRecord = {
      id,
      event,
      action: known,
      receivedAt,
      via,
      ...aboutOf(content),
    };
    return { about, decision };
  }

  /** Requests a delivery again that has arrived, but whose request was given up. */
  function request(delivery: LoggedDelivery): void {
    const { about, decision } = read(delivery, summary(delivery));
    if (decision.kind === "request")
      ports.persist(about, { ...decision, intent: { ...decision.intent, trigger: "backstop" } });
  }

  /** @returns whether the entry became a request */
  function record(delivery: LoggedDelivery, payload: unknown): boolean {
    const { about, decision } = read(delivery, payload ?? summary(delivery));
    if (decision.kind === "ignored") {
      ports.deliveries.ignored(about, decision.reason);
      return false;
    }
    // A request without a payload has low priority; pushes that arrive now go first.
    const trigger = payload === undefined ? "backstop" : decision.intent.trigger;
    const outcome = ports.persist(about, { ...decision, intent: { ...decision.intent, trigger } });
    // Another node acts on it, and knows whether it had arrived.
    if (outcome === "elsewhere") return false;
    ports.onMissed(delivery);
    return true;
  }

  return { details, record, request };
}

export type Entries = ReturnType<typeof createEntries>;

/** Builds a payload from the ids in GitHub's log, which leads to a full comparison or a reconcile. */
const summary = ({ action, repositoryId, installationId }: LoggedDelivery) => ({
  ...(action === null ? {} : { action }),
  ...(repositoryId === null ? {} : { repository: { id: repositoryId } }),
  ...(installationId === null ? {} : { installation: { id: installationId } }),
});
