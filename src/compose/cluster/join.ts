import type { Log } from "../../base/log.js";
import type { Releasers } from "../../base/releasers.js";
import { createAnswerer } from "../../cluster/asking.js";
import { connect } from "../../cluster/connection.js";
import { createForwarding } from "../../cluster/forwarding.js";
import { createGathering, type Gathering } from "../../cluster/gather/gathered.js";
import { createAcceptor } from "../../cluster/handover/accept.js";
import { postRaw } from "../../cluster/handover/post.js";
import { createSender } from "../../cluster/handover/sender.js";
import { startTaker } from "../../cluster/handover/taker.js";
import { IN_STEP } from "../../cluster/moves.js";
import { createPassedReads } from "../../cluster/passed-reads.js";
import type { Cluster } from "../../config/cluster.js";
import type { Config } from "../../config/load.js";
import type { ClusterPorts } from "../../http/api.js";
import type { OtherNodes } from "../../http/elsewhere.js";
import type { Handler } from "../../http/handler.js";
import type { SharedSessions } from "../../http/page/session.js";
import type { ReceiverPorts } from "../../receiver/webhook.js";
import type { Domain } from "../domain.js";
import type { Ground } from "../ground.js";
import type { BetweenNodes } from "../serving.js";
import { openActing } from "./acting.js";
import { openAnnouncing } from "./announcing.js";
import { openMoving } from "./moving.js";
import type { ClusterNode } from "./node.js";
import { createNodes } from "./nodes.js";
import { createSettingsExchange } from "./settings.js";
import { openShared } from "./shared.js";
import { listKey } from "./shared-github.js";

/** How often a node looks whether another one has later settings, in milliseconds. */
const EXCHANGE_MS = 2_000;

interface Needs {
  log: Log;
  node: ClusterNode;
  domain: Domain;
  ground: Pick<Ground, "streamGit" | "store">;
  releasers: Releasers;
}

/** What a node does for the others, and they for it. */
export interface Joined {
  /** Takes a delivery that GitHub has sent here, whoever owns what it is about. */
  accept: ReceiverPorts["accept"];
  /** Answer other nodes. */
  handlers: Handler[];
  /** Has other nodes answer for what they own. */
  nodes: ClusterPorts;
  /** Makes what this node says of its repositories that of the whole cluster. */
  gather: Gathering["gather"];
  /** What sessions of the page have in common. */
  sessions: SharedSessions;
  /** Passes readers of mirrors on. */
  between: BetweenNodes;
}

/** Makes the node one of its cluster. @throws NodeNameTaken while another node with its name is alive */
export async function joinOthers(
  cluster: Cluster,
  config: Pick<Config, "cloneTimeoutMs" | "customRefs">,
  { log, node, domain, ground, releasers }: Needs,
): Promise<Joined> {
  const { self, members, pulse, prefix, seal } = node;
  const { acceptance } = domain.intake;
  const { deliveries, requests } = domain.records;
  const asking = { self: self.name, seal, now: Date.now };
  const { moves, answers, serveMirrors } = openMoving(config, { log, node, domain, ground, releasers });
  const { queue } = domain.records;
  const settings = createSettingsExchange({ node, ask: node.ask });
  const { recovery } = domain.intake;
  const acting = openActing({ node, domain, ground });
  const exchanging = setInterval(() => {
    void acting.round();
    void settings.exchange();
    void node.leftOut.read(recovery);
  }, EXCHANGE_MS);
  releasers.add("settings of the cluster", () => clearInterval(exchanging));
  const nodes = createNodes(cluster, { node, ask: node.ask, moves, queue });

  const gathering = openGathering({ node, domain });
  const announcing = openAnnouncing(config, { node, domain });
  const { accessTokens: tokens, audit } = domain.records;
  const { removal } = domain.housekeeping;
  const shared = openShared({ node, store: ground.store, tokens, audit, removal, releasers });

  const { queueMax } = cluster;
  const { redis, laterJobs } = node;
  const sender = await createSender({ redis, prefix, seal, format: members.format, queueMax });
  releasers.add("deliveries to other nodes", sender.close);
  const acceptor = createAcceptor({
    self: self.name,
    members,
    send: sender.send,
    post: postRaw,
    accept: acceptance.accept,
    ignore: deliveries.ignored,
    isKept: node.isKept,
    keepersOf: node.keepers.of,
    outdate: (installationId) => node.reads.outdate(listKey(installationId)),
    now: Date.now,
  });
  const working = await connect(cluster.redisUrl, { kind: "working", onError() {} });
  releasers.add("Redis of the worker", () => working.disconnect());
  const taker = await startTaker({
    redis: working,
    prefix,
    seal,
    node: self.name,
    take: acceptor.take,
    onLater: laterJobs.note,
  });
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
    handlers: [
      createAnswerer(asking, {
        ...nodes.answers,
        ...answers,
        ...settings.answers,
        ...announcing.answers,
        ...acting.answers,
        ...gathering.answers,
        ...shared.answers,
        [IN_STEP]: moves.answer,
      }),
      serveMirrors,
    ],
    nodes: {
      ...openForwarding({ node, domain }),
      ...nodes.ports,
      settings: settings.ports,
      events: announcing.events,
      outdateReads: node.reads.outdateAll,
    },
    gather: (here) => gathering.gather(acting.share(here)),
    sessions: shared.sessions,
    between: openBetween(node),
  };
}

/** Finds who answers for a repository: this node if it has a mirror, else its owners, and who keeps it for them. */
function openForwarding({ node, domain }: Pick<Needs, "node" | "domain">): OtherNodes {
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
      const others = node.othersWith(id);
      return others.length === 0 && hasIt ? "here" : others;
    },
  };
}

function openGathering({ node, domain }: Pick<Needs, "node" | "domain">): Gathering {
  const { self, members, ask, takeovers } = node;
  const { registry, holds } = domain.records;
  return createGathering({
    self: self.name,
    members,
    ask,
    isSetAside: takeovers.wasSetAside,
    counted() {
      const held = holds.ids();
      return registry.counted().map((one) => ({ ...one, hasHolds: held.has(one.id) }));
    },
  });
}

function openBetween({ self, members, seal, othersWith, listed }: ClusterNode): BetweenNodes {
  const { send, ...passed } = createPassedReads({ self: self.name, seal, members, now: Date.now });
  const isAlive = (name: string) => members.get(name)?.isAlive ?? false;
  const ticketKey = seal.keyFor("tickets");
  return { ...passed, get: listed.get, ticketKey, others: { nodesWith: othersWith, isAlive, send } };
}
