import type { RepositoryName } from "../base/model.js";
import { serverOf } from "../base/resources.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import type { RequestDecision } from "../deliveries/decisions.js";
import { eventNamed } from "../deliveries/events.js";
import type { DeliveryLog, DeliveryRecord } from "../deliveries/log.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { Runner } from "../queue/runner.js";
import type { Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import type { ReceiverPorts } from "./webhook.js";

interface Ports {
  store: Store;
  queue: RefreshQueue;
  deliveries: DeliveryLog;
  registry: Registry;
  gateway: Gateway;
  /** GitHub's host, such as github.com. */
  gitHost: string;
  runner: Pick<Runner, "wake">;
  stopping(): boolean;
}

/** GitHub's names differ by more than case. */
const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export interface Acceptance extends ReceiverPorts {
  /** The request is on disk once the promise is fulfilled. */
  accept(delivery: DeliveryRecord, decision: RequestDecision): Promise<"accepted" | "done">;
  /** The request is on disk on return. Inside a transaction the write joins it. */
  persist(delivery: DeliveryRecord, decision: RequestDecision): "accepted" | "done";
  /** Reports that GitHub delivered a delivery about the repository, so that recovery was not needed. */
  onDelivery: Subscribe<[repositoryId: number]>;
  /** Reports that names or rights may have changed. null: of every repository of an installation */
  onAccessChanged: Subscribe<[repositoryId: number | null]>;
}

/** Whether a fetch of the repository waits, because GitHub asked for that or its git server answers nobody. */
function isWaiting(
  { queue, gitHost }: Pick<Ports, "queue" | "gitHost">,
  { id, installationId }: { id: number; installationId: number },
): boolean {
  const holds = [`git:repository:${id}`, `git:installation:${installationId}`];
  const server = serverOf({ kind: "git", host: gitHost });
  return (
    queue.outages().some((outage) => outage.server === server) ||
    queue.held().some(({ key }) => holds.includes(key))
  );
}

/** Stores verified deliveries, those that come together in one transaction, and then wakes the runner. */
export function createAcceptance(ports: Ports): Acceptance {
  const { store, queue, deliveries, registry, gateway } = ports;
  const delivered = createSignal<[repositoryId: number]>();
  const accessChanged = createSignal<[repositoryId: number | null]>();

  function persist(delivery: DeliveryRecord, decision: RequestDecision): "accepted" | "done" {
    const earlier = deliveries.earlier(delivery.id);
    if (earlier?.isDone) return "done";
    const { subject, intent, installationId, repository } = decision;
    if (subject.kind === "repository" && delivery.via !== "recovered") delivered.emit(subject.id);
    if (subject.kind === "repository") noteName(subject.id, installationId ?? 0, repository);
    // Name, default branch or membership may have changed since GitHub's last answer, however recent.
    const doubtsName = subject.kind === "repository" && eventNamed(delivery.event)?.invalidatesName;
    if (doubtsName) registry.doubt(subject.id);
    if (doubtsName || subject.kind !== "repository")
      accessChanged.emit(subject.kind === "repository" ? subject.id : null);
    // A delivery that comes again does not renew the patience with GitHub's replicas.
    const receivedAt = earlier?.receivedAt ?? delivery.receivedAt;
    const hints = intent.hints.map((hint) => ({ ...hint, receivedAt }));
    const generation = queue.arm(
      subject,
      { ...intent, hints },
      { deliveryId: delivery.id, ...(installationId === undefined ? {} : { installationId }) },
    );
    deliveries.accepted(delivery, subject, generation, hints[0]?.ref ?? null);
    return "accepted";
  }

  function noteName(id: number, installationId: number, reported: RepositoryName | undefined): void {
    const known = registry.identityOf(id);
    if (!known) {
      // Without a usable name the reconcile asks GitHub by id alone.
      registry.note(id, installationId, reported ?? { owner: "", name: "" });
      return;
    }
    const renamed =
      reported && !(sameName(known.owner, reported.owner) && sameName(known.name, reported.name));
    const moved = installationId !== 0 && installationId !== known.installationId;
    if (!renamed && !moved) return;
    registry.doubt(id);
    accessChanged.emit(id);
  }

  return {
    persist: (delivery, decision) => store.transaction(() => persist(delivery, decision)),
    async accept(delivery, decision) {
      const outcome = await store.inGroup(() => persist(delivery, decision));
      // The runner starts after the answer went to the socket, so GitHub does not wait for it.
      if (outcome === "accepted") setImmediate(() => ports.runner.wake(decision.subject));
      return outcome;
    },
    ignore: (delivery, reason) => store.inGroup(() => deliveries.ignored(delivery, reason)),
    warm({ subject, intent }) {
      if (subject.kind !== "repository" || intent.trigger !== "push" || gateway.isWarm()) return;
      const repository = registry.identityOf(subject.id);
      if (!repository || repository.state === "suspended") return;
      if (!isWaiting(ports, repository)) gateway.warm(repository);
    },
    stopping: ports.stopping,
    onDelivery: delivered.on,
    onAccessChanged: accessChanged.on,
  };
}
