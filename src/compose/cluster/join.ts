import { monotonicMs } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import type { Releasers } from "../../base/releasers.js";
import { createAnswerer, createAsk } from "../../cluster/asking.js";
import { connect } from "../../cluster/connection.js";
import { createForwarding } from "../../cluster/forwarding.js";
import { createAcceptor } from "../../cluster/handover/accept.js";
import { postRaw } from "../../cluster/handover/post.js";
import { createSender } from "../../cluster/handover/sender.js";
import { startTaker } from "../../cluster/handover/taker.js";
import { createMoves, IN_STEP, type Moves } from "../../cluster/moves.js";
import type { Cluster } from "../../config/cluster.js";
import type { OtherNodes } from "../../http/elsewhere.js";
import type { Handler } from "../../http/mount.js";
import type { NodePorts } from "../../http/nodes.js";
import type { ReceiverPorts } from "../../receiver/webhook.js";
import { isManaged } from "../../registry/repositories.js";
import type { Domain } from "../domain.js";
import type { ClusterNode } from "./node.js";
import { createNodes } from "./nodes.js";
import { listKey } from "./shared-github.js";

interface Needs {
  log: Log;
  node: ClusterNode;
  domain: Domain;
  releasers: Releasers;
}

/** A mirror that moves is set aside within this time after its new owners have it, in milliseconds. */
const ROUND_MS = 5_000;

/** What a node does for the others, and they for it. */
export interface Joined {
  /** Takes a delivery that GitHub has sent here, whoever owns what it is about. */
  accept: ReceiverPorts["accept"];
  /** Answers other nodes. */
  answer: Handler;
  /** Has other nodes answer for what they own. */
  nodes: OtherNodes & NodePorts;
}

/** Makes the node one of its cluster. @throws NodeNameTaken while another node with its name is alive */
export async function joinOthers(cluster: Cluster, { log, node, domain, releasers }: Needs): Promise<Joined> {
  const { self, members, pulse, prefix, seal } = node;
  const { acceptance } = domain.intake;
  const { deliveries, requests } = domain.records;
  const asking = { self: self.name, seal, now: Date.now };
  const ask = createAsk(asking);
  const moves = openMoves({ log, node, domain, releasers }, ask);
  const { queue } = domain.records;
  const nodes = createNodes(cluster, { node, ask, moves, queue, removal: domain.housekeeping.removal });

  const sender = await createSender({ redis: node.redis, prefix, seal, queueMax: cluster.queueMax });
  releasers.add("deliveries to other nodes", sender.close);
  const acceptor = createAcceptor({
    self: self.name,
    members,
    send: sender.send,
    post: postRaw,
    accept: acceptance.accept,
    ignore: deliveries.ignored,
    isKept: node.isKept,
    keepersOf: moves.keepersOf,
    outdate: (installationId) => node.reads.outdate(listKey(installationId)),
    now: Date.now,
  });
  const working = await connect(cluster.redisUrl, { kind: "working", onError() {} });
  releasers.add("Redis of the worker", () => working.disconnect());
  const taker = await startTaker({ redis: working, prefix, seal, node: self.name, take: acceptor.take });
  releasers.add("deliveries of other nodes", taker.close);

  members.onPlacement((before, after) => {
    log.info(
      { event: "placement_changed", before: before.nodes(), after: after.nodes() },
      "the nodes that own repositories have changed",
    );
    moves.look();
    // What this node owns from now on comes with the lists of the installations.
    try {
      requests.everything("onboard");
    } catch (error) {
      log.warn({ event: "pass_not_begun", err: error }, "the next pass takes over what this node owns now");
    }
  });
  pulse.onTaken((error) => log.error({ event: "node_name_taken", node: self.name }, error.message));
  await pulse.start();
  releasers.add("beats", pulse.stop);
  node.join();
  releasers.add("last beat", pulse.leave);
  return {
    accept: acceptor.accept,
    answer: createAnswerer(asking, { ...nodes.answers, [IN_STEP]: moves.answer }),
    nodes: { ...openForwarding({ log, node, domain, releasers }, moves), ...nodes.ports },
  };
}

/** Finds who answers for a repository: this node if it has a mirror, else its owners, and who keeps it for them. */
function openForwarding({ node, domain }: Needs, moves: Pick<Moves, "keepersOf">): OtherNodes {
  const { self, members, seal, directory } = node;
  const { registry } = domain.records;
  const forwarding = createForwarding({ self: self.name, seal, members, now: Date.now });
  return {
    ...forwarding,
    nodesFor(name, { isPassedOn }) {
      const known = registry.find(name);
      const id = directory.find(name) ?? known?.id;
      if (id === undefined) return "here";
      const repository = registry.get(id);
      const hasIt = repository !== null && node.wants(id);
      if (hasIt && (isPassedOn || repository.state !== "onboarding")) return "here";
      const others = [...new Set([...members.placement().ownersOf(id), ...moves.keepersOf(id)])]
        .flatMap((owner) => members.get(owner) ?? [])
        .filter(({ name: other, url, isAlive }) => other !== self.name && url !== null && isAlive)
        .sort((a, b) => Number(a.isLeaving) - Number(b.isLeaving));
      return others.length === 0 && hasIt ? "here" : others.map((it) => it.name);
    },
  };
}

function openMoves({ log, node, domain, releasers }: Needs, ask: ReturnType<typeof createAsk>) {
  const { registry, holds, keptTips, requests } = domain.records;
  const { removal } = domain.housekeeping;
  const isNeeded = (id: number) => {
    const isPaused = (registry.get(id)?.pausedAt ?? null) !== null;
    return isPaused || holds.count(id) > 0 || keptTips.count(id) > 0;
  };
  const moves = createMoves({
    self: node.self.name,
    members: node.members,
    ask,
    ids: registry.ids,
    isManaged(id) {
      const repository = registry.get(id);
      return repository !== null && isManaged(repository);
    },
    isInStep: (id) => node.owns(id) && registry.get(id)?.state === "fresh",
    isNeeded,
    setAside(id) {
      const repository = registry.get(id);
      if (repository) removal.setAside(repository);
    },
    clock: monotonicMs,
  });
  const timer = setInterval(() => {
    try {
      if (node.join()) requests.everything("onboard");
    } catch (error) {
      log.warn({ event: "pass_not_begun", err: error }, "the node could not begin its first pass");
    }
    void moves.round();
  }, ROUND_MS);
  releasers.add("moves", () => clearInterval(timer));
  return moves;
}
