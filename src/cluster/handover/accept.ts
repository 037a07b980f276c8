import type { RequestDecision } from "../../deliveries/decisions.js";
import type { DeliveryRecord } from "../../deliveries/log.js";
import type { RawDelivery } from "../../receiver/delivery.js";
import type { Accepted } from "../../receiver/webhook.js";
import type { Members } from "../members.js";
import type { HandedOver } from "./job.js";
import type { Sender } from "./sender.js";

interface Ports {
  /** This node's name. */
  self: string;
  members: Pick<Members, "placement" | "get">;
  send: Sender["send"];
  post(url: string, raw: RawDelivery): Promise<void>;
  /** Puts a delivery on this node's disk. Throws when that fails. */
  accept(delivery: DeliveryRecord, decision: RequestDecision): Promise<"accepted" | "done">;
  /** Records that this node need not act on a delivery. Throws when that fails. */
  ignore(delivery: DeliveryRecord, reason: string): void | Promise<void>;
  /** Whether this node keeps a mirror of the repository in step, although others own it. */
  isKept(repositoryId: number): boolean;
  /** Returns the other nodes that do so. */
  keepersOf(repositoryId: number): string[];
  /** Notes that the lists of an installation, read before now, are out of date. */
  outdate(installationId: number): void;
  now(): number;
}

export interface Acceptor {
  /**
   * Takes a delivery that GitHub has sent here.
   * @returns as soon as one owner has it
   * @throws when neither this node's disk, nor Redis, nor any owner takes it
   */
  accept(delivery: DeliveryRecord, decision: RequestDecision, raw: RawDelivery): Promise<Accepted>;
  /** Takes a delivery that another node hands over. Throws when this node's disk does not take it. */
  take(handed: HandedOver): Promise<void>;
}

/** Brings each delivery to the nodes that own what it is about. */
export function createAcceptor(ports: Ports): Acceptor {
  const { self, members, send, post } = ports;

  function ownersOf({ subject }: RequestDecision): string[] {
    const placement = members.placement();
    // Each node reconciles its own share of an installation.
    return subject.kind === "repository" ? placement.ownersOf(subject.id) : placement.nodes();
  }

  /** Nodes that keep a mirror in step until its new owners have it. */
  const keepersOf = ({ subject }: RequestDecision): string[] =>
    subject.kind === "repository" ? ports.keepersOf(subject.id) : [];

  /** Whether this node keeps a mirror in step although others own it. */
  const isKeptHere = ({ subject }: RequestDecision): boolean =>
    subject.kind === "repository" && ports.isKept(subject.id);

  /** Hands a delivery to all of these at once. @returns as soon as one of them has it. @throws when none has */
  async function hand(nodes: readonly string[], handed: HandedOver): Promise<void> {
    await Promise.any(nodes.map((node) => send(node, handed)));
  }

  async function postToAny(nodes: readonly string[], raw: RawDelivery): Promise<void> {
    const urls = nodes.flatMap((node) => members.get(node)?.url ?? []);
    await Promise.any(urls.map((url) => post(url, raw)));
  }

  async function pass(nodes: readonly string[], handed: HandedOver, raw: RawDelivery): Promise<void> {
    await hand(nodes, handed).catch(() => postToAny(nodes, raw));
  }

  /** The delivery is safe elsewhere by now, so that a failure here changes nothing. */
  async function notePassed(delivery: DeliveryRecord, nodes: readonly string[]): Promise<void> {
    try {
      await ports.ignore(delivery, `passed to ${nodes.join(", ")}`);
    } catch {}
  }

  /** The owners have the delivery; a keeper that misses it finds it in GitHub's log. */
  function handToKeepers(handed: HandedOver): void {
    const keepers = keepersOf(handed.decision);
    if (keepers.length > 0) hand(keepers, { ...handed, hops: 1 }).catch(() => {});
  }

  async function acceptToo(delivery: DeliveryRecord, decision: RequestDecision): Promise<void> {
    try {
      await ports.accept(delivery, decision);
    } catch {}
  }

  return {
    async accept(delivery, decision, raw) {
      const owners = ownersOf(decision);
      const others = owners.filter((name) => name !== self);
      if (decision.subject.kind === "installation") ports.outdate(decision.subject.id);
      const { isPassedOn } = raw.headers;
      const handed: HandedOver = { hops: 0, delivery, decision };
      if (owners.length === 0) throw new Error("no node of the cluster takes repositories");
      if (others.length === owners.length) {
        if (isPassedOn) return "elsewhere";
        await pass(others, handed, raw);
        await notePassed(delivery, others);
        if (isKeptHere(decision)) await acceptToo(delivery, decision);
        return "passed";
      }
      const isFromGitHub = !isPassedOn && others.length > 0;
      try {
        const outcome = await ports.accept(delivery, decision);
        // An owner that is missed finds the delivery in GitHub's log.
        if (isFromGitHub) hand(others, handed).catch(() => {});
        handToKeepers(handed);
        return outcome;
      } catch (error) {
        if (!isFromGitHub) throw error;
        await pass(others, handed, raw).catch(() => Promise.reject(error));
        return "passed";
      }
    },
    async take({ hops, delivery, decision }) {
      // The owner's own clock: its patience with GitHub's replicas counts from here.
      const record = { ...delivery, receivedAt: ports.now() };
      const owners = ownersOf(decision);
      const isMine = owners.includes(self);
      if (isMine || isKeptHere(decision)) {
        await ports.accept(record, decision);
        if (isMine && hops === 0) handToKeepers({ hops, delivery, decision });
      } else if (hops === 0 && owners.length > 0) {
        await hand(owners, { hops: 1, delivery, decision });
        await ports.ignore(record, `passed to ${owners.join(", ")}`);
      } else await ports.ignore(record, "another node owns the repository");
    },
  };
}
