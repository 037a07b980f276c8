import { monotonicMs } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { Releasers } from "../../base/releasers.js";
import { programVersion } from "../../base/version.js";
import { createAsk } from "../../cluster/asking.js";
import { JOB_FORMAT, prefixOf } from "../../cluster/beat.js";
import { connect } from "../../cluster/connection.js";
import { createDirectory } from "../../cluster/directory.js";
import { createLaterJobs } from "../../cluster/handover/later-jobs.js";
import { createKeepers } from "../../cluster/keepers.js";
import { createLiveness } from "../../cluster/liveness.js";
import { createMembers } from "../../cluster/members.js";
import { createMirrorClaims } from "../../cluster/mirror-claim.js";
import { createPlacement } from "../../cluster/placement.js";
import { createPulse } from "../../cluster/pulse.js";
import { createRoster, nodeIdOf } from "../../cluster/roster.js";
import { createSeal } from "../../cluster/seal.js";
import { createClusterSettings } from "../../cluster/settings.js";
import { createSharedReads } from "../../cluster/shared-reads.js";
import { createTakeovers } from "../../cluster/takeovers.js";
import { createTellers } from "../../cluster/telling.js";
import { NO_CHECKOUTS } from "../../config/checkouts.js";
import type { Cluster } from "../../config/cluster.js";
import type { Config } from "../../config/load.js";
import { createRegistry } from "../../registry/repositories.js";
import { createFacts } from "../../store/facts.js";
import type { Ground } from "../ground.js";
import { createFormerOwners } from "./former-owners.js";
import { createLeftOut } from "./left-out.js";
import { createClusterProblems } from "./problems.js";
import { shareGitHub } from "./shared-github.js";

interface Needs {
  log: Log;
  ground: Pick<Ground, "store" | "github">;
  releasers: Releasers;
}

type Settings = Pick<Config, "deliveries" | "pullIntervalMs" | "repositories" | "checkouts">;

/** A beat comes at least four times in NODE_DEAD, in milliseconds. */
const PACE_MS = 2_000;
/** The database says so once the node has reached Redis, and thus knows the others. */
const FACT = "joined-cluster";

export type ClusterNode = Awaited<ReturnType<typeof openNode>>;

/** Opens what makes this Lockstep a node: members, beats, and what it shares with the others. */
export async function openNode(cluster: Cluster, config: Settings, { log, ground, releasers }: Needs) {
  const { store } = ground;
  const { deadMs, timeoutMs } = cluster;
  const prefix = prefixOf(cluster.name);
  const seal = createSeal({ secret: cluster.secret, cluster: cluster.name });
  const roster = createRoster(store);
  const isDrained = roster.all().some((it) => it.name === cluster.nodeName && it.isDrained);
  const facts = createFacts(store);
  const settings = createClusterSettings(facts, cluster.replicas);
  const self = {
    name: cluster.nodeName,
    id: nodeIdOf(store),
    weight: isDrained ? 0 : cluster.weight,
    url: cluster.nodeUrl,
    format: JOB_FORMAT,
    replicas: settings.current().replicas,
    settings: settings.stamp(),
    version: programVersion(),
  };
  const liveness = createLiveness({ deadMs, clock: monotonicMs });
  const members = createMembers({ self, roster, liveness, settings, deadMs, timeoutMs });
  const redis = await connect(cluster.redisUrl, { kind: "asking", onError: createErrorLog(log) });
  releasers.add("Redis", () => redis.disconnect());
  const paceMs = Math.min(PACE_MS, deadMs / 4);
  const pulse = createPulse({ redis, prefix, seal, self, members, deadMs, paceMs, now: Date.now });
  const directory = createDirectory(store);
  const reads = createSharedReads({ redis, prefix, seal, clock: monotonicMs, since: monotonicMs() });
  const registry = createRegistry(store);
  const asking = { self: self.name, seal, now: Date.now };
  const ask = createAsk(asking);
  const keepers = createKeepers(monotonicMs);
  const takeovers = createTakeovers(store);
  const claims = createMirrorClaims(asking);
  const leftOut = createLeftOut({ facts, clock: monotonicMs, now: Date.now });
  pulse.onLeftOut(leftOut.note);
  const laterJobs = createLaterJobs(monotonicMs);
  let hasJoined = facts.get<boolean>(FACT) === true;

  /** A node that never saw the others would take every repository. */
  const owns = (id: number) => hasJoined && members.placement().ownersOf(id).includes(self.name);
  const isKept = (id: number) => registry.managed(id) !== null && !owns(id);
  /** What CHECKOUTS names here is published here, whoever owns it, and never moves away. */
  const publishes = (id: number) => {
    if (config.checkouts === NO_CHECKOUTS) return false;
    const listed = directory.get(id);
    return listed !== null && config.checkouts(fullName(listed)).length > 0;
  };
  const wants = (id: number) => owns(id) || isKept(id) || (hasJoined && publishes(id));
  /** What is not to be mirrored is nowhere, although GitHub lists it. */
  const findListed = (id: number | null) => {
    const listed = id === null ? null : directory.get(id);
    return listed && config.repositories(fullName(listed)) ? listed : null;
  };
  const github = shareGitHub(ground.github, {
    reads,
    directory,
    wants,
    pullIntervalMs: config.deliveries === "pull" ? config.pullIntervalMs : null,
  });

  return {
    self,
    seal,
    prefix,
    redis,
    roster,
    settings,
    members,
    pulse,
    directory,
    reads,
    github,
    ask,
    keepers,
    takeovers,
    claims,
    tellers: createTellers({ self: self.name, members, ask }),
    formerOwners: createFormerOwners({
      self: self.name,
      members,
      keepers,
      takeovers,
      claims,
      ask,
      releasers,
    }),
    owns,
    publishes,
    /** Whether this node keeps a repository in step although others own it. */
    isKept,
    /** Whether this node is to have the repository. */
    wants,
    /** Repositories that are to be mirrored by some node. */
    listed: {
      find: (name: RepositoryName) => findListed(directory.find(name)),
      get: findListed,
    },
    /** Returns the other nodes that may have the repository and can be reached: owners first, those about to stop last. */
    othersWith: (id: number): string[] =>
      [...new Set([...members.placement().ownersOf(id), ...keepers.of(id)])]
        .flatMap((name) => members.get(name) ?? [])
        .filter(({ name, url, isAlive }) => name !== self.name && url !== null && isAlive)
        .sort((a, b) => Number(a.isLeaving) - Number(b.isLeaving))
        .map(({ name }) => name),
    problems: createClusterProblems({
      members,
      pulse,
      settings,
      leftOut,
      laterJobs,
      deadMs,
      now: Date.now,
    }),
    leftOut,
    laterJobs,
    /** Notes that Redis was reached. @returns whether this was the first time */
    join(): boolean {
      if (hasJoined || !pulse.state().isBeating) return false;
      facts.set(FACT, true);
      hasJoined = true;
      return true;
    },
    /** Whether this node does what one living node does for all. */
    isElected(key: string): boolean {
      const alive = members.all().filter(({ isAlive, isDrained }) => isAlive && !isDrained);
      return createPlacement(alive, 1).nodeFor(key) === self.name;
    },
  };
}

/** One line for each time that Redis goes away, however often the connection is tried. */
function createErrorLog(log: Log) {
  let last = "";
  return ({ message }: Error) => {
    if (message === last) return;
    last = message;
    log.warn({ event: "redis_unreachable", reason: message }, "Redis cannot be reached; nodes go on without");
  };
}
