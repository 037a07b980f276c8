import type { Sees } from "../base/access.js";
import { subjectOfKey } from "../base/model.js";
import { fullName } from "../base/names.js";
import { beginSlice } from "../base/slices.js";
import { iso } from "../base/units.js";
import { headersOfHook } from "../deliveries/hook.js";
import { createDeliveryList, type DeliveryQuery, type LoggedDelivery } from "../deliveries/list.js";
import type { DeliveryView, QueueView, RefreshView } from "../http/log-view.js";
import type { DeliveryPage, LogPorts, QueueList } from "../http/logs.js";
import type { QueueEntry, RefreshQueue } from "../queue/contract.js";
import type { Runner } from "../queue/runner.js";
import { createRefreshLog, type RefreshRecord } from "../refresh/log.js";
import type { Installations } from "../registry/installations.js";
import type { Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { viewOnce } from "./view-once.js";
import { readWaits, subjectName, type Waits } from "./waits.js";

interface Ports {
  store: Store;
  registry: Pick<Registry, "get" | "find" | "namesOf">;
  installations: Pick<Installations, "get">;
  queue: Pick<RefreshQueue, "has" | "list" | "depth" | "held" | "outages">;
  runner: Pick<Runner, "busy">;
}

/** A page of a caller who sees few repositories is read in at most so many steps. */
const MAX_READS = 20;
/** So many entries of the queue are searched for those that such a caller may see. */
const MAX_QUEUE_READ = 1_000;

/** Shows deliveries, the queue and finished refreshes to the operator. */
export function createLogViews(ports: Ports): Omit<LogPorts, "get"> {
  const { registry, queue, runner } = ports;
  const list = createDeliveryList(ports.store);
  const refreshes = createRefreshLog(ports.store);

  /** Views of deliveries that nothing will change but another name of the repository; the page writes what is frozen as text once. */
  const done = new WeakMap<LoggedDelivery, DeliveryView>();

  /** Shows deliveries, whose repositories may have another name today. */
  function viewAll(deliveries: readonly LoggedDelivery[]): DeliveryView[] {
    const names = registry.namesOf(deliveries.flatMap(({ repositoryId }) => repositoryId ?? []));
    return deliveries.map((one) => {
      const known = names.get(one.repositoryId ?? 0);
      const repository = known?.owner ? fullName(known) : one.repository;
      const before = done.get(one);
      return before?.repository === repository ? before : view(one, repository);
    });
  }

  function view(delivery: LoggedDelivery, repository: string | null): DeliveryView {
    const shown = describe(delivery, repository);
    if (delivery.outcome !== "open") done.set(delivery, Object.freeze(shown));
    return shown;
  }

  function describe(delivery: LoggedDelivery, repository: string | null): DeliveryView {
    const { subject, repositoryId, receivedAt, refreshedAt, hook, ...rest } = delivery;
    return {
      ...rest,
      ...outcomeOf(delivery),
      headers: headersOfHook(hook),
      repositoryId,
      receivedAt: iso(receivedAt),
      refreshedAt: iso(refreshedAt),
      repository,
    };
  }

  function outcomeOf({
    outcome,
    subject,
    reason,
    refreshedAt,
    repositoryId,
  }: LoggedDelivery): Pick<DeliveryView, "became" | "reason"> {
    if (outcome === "ignored") return { reason, became: `ignored: ${reason}` };
    const isRepository = subject?.startsWith("repository:") ?? false;
    const done = isRepository ? "refreshed" : "reconciled";
    if (outcome === "refreshed") return { reason: null, became: `${done} at ${iso(refreshedAt)}` };
    const known = repositoryId === null ? null : registry.get(repositoryId);
    const error = isRepository ? (known?.error ?? null) : null;
    const last = error ? `; the last try failed: ${error.message}` : "";
    const asked = subjectOfKey(subject);
    if (asked && runner.busy(asked)) return { reason: null, became: `being ${done}` };
    if (isRepository && known && known.pausedAt !== null)
      return { reason: "paused", became: "waits until the repository is resumed" };
    if (asked && queue.has(asked))
      return { reason: error?.code ?? null, became: error ? `waits for the next try${last}` : "queued" };
    return { reason: error?.code ?? null, became: `not ${done}: left for the next pass${last}` };
  }

  function item(
    { subject, trigger, attempt, armedAt, dueAt, ...entry }: QueueEntry,
    waits: Pick<Waits, "describe">,
  ): QueueView {
    return {
      subject: subject.kind,
      id: subject.id,
      name: subjectName(ports, subject),
      class: entry.class,
      trigger,
      attempt,
      running: runner.busy(subject),
      waitingSince: iso(armedAt),
      dueAt: iso(dueAt),
      waitsFor: entry.waitsFor && waits.describe(entry.waitsFor),
    };
  }

  /** Reads on until the page is full of what the caller may see, within bounds. */
  async function seenDeliveries(query: DeliveryQuery, sees: Sees): Promise<DeliveryPage> {
    const found: DeliveryView[] = [];
    const places: NonNullable<DeliveryPage["places"]> = [];
    const slice = beginSlice();
    let { after } = query;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const page = list.page({ ...query, after, limit: query.limit - found.length });
      for (const [n, delivery] of viewAll(page.deliveries).entries())
        if (delivery.repository && sees(delivery.repository)) {
          found.push(delivery);
          places.push(page.places[n]!);
        }
      after = page.next;
      if (after === null || found.length === query.limit) break;
      if (slice.isOver()) await slice.next();
    }
    return { deliveries: found, places, next: after };
  }

  function seenQueue(limit: number, sees: Sees): QueueList {
    const { outages, ...waits } = readWaits(ports);
    const seen = queue
      .list(MAX_QUEUE_READ)
      .filter(({ subject: { kind } }) => kind === "repository" || kind === "publish")
      .map((entry) => item(entry, waits))
      .filter(({ name }) => sees(name));
    // What a request waits for, and what is held, may be another repository.
    const items = seen.slice(0, limit).map((one) => ({ ...one, waitsFor: null }));
    return { queue: items, total: seen.length, held: [], outages };
  }

  function listQueue(limit: number, sees?: Sees): QueueList {
    if (sees) return seenQueue(limit, sees);
    const { held, outages, ...waits } = readWaits(ports);
    const items = queue.list(limit).map((entry) => item(entry, waits));
    return { queue: items, total: queue.depth(), held, outages };
  }

  return {
    deliveries({ repository, sees, ...query }) {
      const [owner = "", name = ""] = repository?.split("/") ?? [];
      const known = repository === null ? null : registry.find({ owner, name });
      const wanted = { ...query, repository: known?.id ?? repository };
      if (sees) return seenDeliveries(wanted, sees);
      const { deliveries, ...page } = list.page(wanted);
      return { ...page, deliveries: viewAll(deliveries) };
    },
    delivery(id) {
      const found = list.get(id);
      return found && viewAll([found])[0]!;
    },
    refreshes: (id) => viewRefreshes(refreshes.of(id)),
    queue: listQueue,
  };
}

const viewRefreshes = viewOnce((refreshes: readonly RefreshRecord[]): RefreshView[] =>
  refreshes.map(({ endedAt, durationMs, lagMs, ...refresh }) => ({
    ...refresh,
    endedAt: iso(endedAt),
    // A clock that was set back during the refresh makes neither negative.
    durationMs: Math.max(0, durationMs),
    lagMs: Math.max(0, lagMs),
  })),
);
