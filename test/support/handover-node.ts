import { onTestFinished } from "vitest";
import { connect } from "../../src/cluster/connection.js";
import { createAcceptor } from "../../src/cluster/handover/accept.js";
import { postRaw } from "../../src/cluster/handover/post.js";
import { createSender } from "../../src/cluster/handover/sender.js";
import { startTaker } from "../../src/cluster/handover/taker.js";
import type { Replicas } from "../../src/cluster/placement.js";
import type { RequestDecision } from "../../src/deliveries/decisions.js";
import { createDeliveryLog, DELIVERY_TABLES, type DeliveryRecord } from "../../src/deliveries/log.js";
import type { ReceiverPorts } from "../../src/receiver/webhook.js";
import { startMember } from "./cluster-node.js";
import { deliver, PUSH, startReceiver } from "./receiver.js";

interface HandoverOptions {
  name: string;
  url: string;
  weight?: number;
  replicas?: Replicas;
  queueMax?: number;
  dataDir?: string;
  /** Called before a delivery goes to the disk; what it throws is a disk that fails. */
  beforeStore?(delivery: DeliveryRecord): void;
}

/** The part of a node that receives deliveries, hands them over and takes them, with a log of deliveries on disk. */
export async function startHandoverNode(options: HandoverOptions) {
  const { queueMax = 10_000, beforeStore = () => {} } = options;
  let accept: ReceiverPorts["accept"] = () => {
    throw new Error("not started");
  };
  const receiver = await startReceiver({ ports: { accept: (...args) => accept(...args) } });
  onTestFinished(receiver.close);
  const nodeUrl = `http://127.0.0.1:${receiver.port}`;
  const node = await startMember({ ...options, nodeUrl, tables: [DELIVERY_TABLES] });
  const log = createDeliveryLog(node.store);
  const { seal, prefix, redis, members, self } = node;
  const sender = await createSender({ redis, prefix, seal, format: members.format, queueMax });
  const store = async (delivery: DeliveryRecord, decision: RequestDecision) => {
    beforeStore(delivery);
    if (log.earlier(delivery.id)?.isDone) return "done" as const;
    log.accepted(delivery, decision.subject, 1, null);
    return "accepted" as const;
  };
  const acceptor = createAcceptor({
    self: self.name,
    members,
    send: sender.send,
    post: postRaw,
    accept: store,
    ignore: log.ignored,
    isKept: () => false,
    keepersOf: () => [],
    outdate() {},
    now: Date.now,
  });
  accept = acceptor.accept;
  const working = await connect(options.url, { kind: "working", onError() {} });
  const taker = await startTaker({
    redis: working,
    prefix,
    seal,
    node: self.name,
    take: acceptor.take,
    onLater() {},
    unreadableMs: 100,
  });
  let isEnded = false;
  async function kill(): Promise<void> {
    if (isEnded) return;
    isEnded = true;
    // A worker whose connection is gone ends at once, like one whose process is killed.
    working.disconnect();
    await Promise.all([taker.close(), sender.close(), receiver.close()]);
    await node.kill();
  }
  onTestFinished(kill);
  return {
    ...node,
    kill,
    log,
    sender,
    taker,
    port: receiver.port,
    /** Whether this node is to refresh what the delivery is about. */
    has: (id: string) => log.openSubject(id) !== null,
    /** GitHub delivers a push to this node. */
    deliver: (id: string, repositoryId: number) =>
      deliver(receiver.port, pushTo(repositoryId), { "x-github-delivery": id }),
  };
}

export type HandoverNode = Awaited<ReturnType<typeof startHandoverNode>>;

export const pushTo = (repositoryId: number): string =>
  JSON.stringify({ ...PUSH, repository: { ...PUSH.repository, id: repositoryId } });
