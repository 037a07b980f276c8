import { createAnnouncer } from "../announce/announcer.js";
import { announceLives } from "../announce/life.js";
import type { Log } from "../base/log.js";
import { ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Releasers } from "../base/releasers.js";
import { publishedPins } from "../checkouts/published-trees.js";
import type { Config } from "../config/load.js";
import { createMirrors } from "../git/mirror/mirrors.js";
import { createPins } from "../git/mirror/pins.js";
import { createWriters } from "../git/mirror/writers.js";
import { createDoubts, openAfterBoot } from "./after-boot.js";
import { createPublishing } from "./checkouts.js";
import type { ClusterNode } from "./cluster/node.js";
import { createIntake } from "./deliveries.js";
import { careForDisk } from "./disk.js";
import type { Ground } from "./ground.js";
import { createHousekeeping } from "./housekeeping.js";
import { keepLfs } from "./lfs.js";
import { openTally } from "./preflight.js";
import { createPruning } from "./pruning.js";
import { createRecords, type Records } from "./records.js";
import { createRefreshing } from "./refreshing.js";
import { followRepositories } from "./wikis.js";

interface Needs {
  log: Log;
  ground: Ground;
  releasers: Releasers;
  /** The machine's boot id. */
  boot: string;
  /** What makes this Lockstep one of several; null: it is alone. */
  node: ClusterNode | null;
  isStopping(): boolean;
}

export type Domain = ReturnType<typeof createDomain>;

/** Builds what Lockstep does, from records to work; each part is made after the parts it uses. */
export function createDomain(config: Config, { log, ground, releasers, boot, node, isStopping }: Needs) {
  const records = createRecords(config, ground);
  const tally = openTally(config, { log, records, releasers });
  const afterBoot = openAfterBoot(boot, { log, ground, records });
  const pins = createPins({ git: ground.git, log });
  const mirrors = createMirrors({
    git: ground.git,
    layout: records.layout,
    scopeOf: records.scopeOf,
    fetchTimeoutMs: config.fetchTimeoutMs,
    cloneTimeoutMs: config.cloneTimeoutMs,
    directFetch: config.directFetch,
    published: (id) => [...publishedPins(records.ledger, id), ...pins.held(records.layout.mirror(id))],
    keptRecord: records.keptTips,
    doubts: createDoubts({ log, ground, records }),
  });
  const writers = createWriters();
  const { write } = writers;
  const announcer = openAnnouncer(config, { log, ground, records, node, releasers });
  const { outbox } = announcer;
  announceLives({
    onRepository: records.registry.onChanged,
    onHold: records.holds.onChanged,
    find: records.registry.get,
    isSetAside: (id) => node?.takeovers.wasSetAside(id) ?? false,
    announce: announcer.announceLife,
  });
  const publishing = createPublishing(config, {
    log,
    ground,
    records,
    mirrors,
    pins,
    writers,
    outbox,
    boot,
    releasers,
  });
  const { checkouts } = publishing;
  const pruning = createPruning(config, { log, ground, records, announcer });
  releasers.add("pruning", pruning.stop);
  const housekeeping = createHousekeeping(config, {
    log,
    ground,
    records,
    mirrors,
    checkouts,
    afterBoot,
    node,
    releasers,
  });
  if (config.keepsWikis) followRepositories(records);
  const refreshing = createRefreshing(config, {
    log,
    ground,
    records,
    mirrors,
    writers,
    announcer,
    checkouts,
    housekeeping,
    formerOwners: node?.formerOwners ?? null,
    releasers,
  });
  const { syncer, worker, runner } = refreshing;
  syncer.onMoved(tally.changed);
  const lfs = keepLfs(config, { log, ground, records, syncer, releasers });
  const intake = createIntake(config, {
    log,
    ground,
    records,
    announcer,
    worker,
    runner,
    maintenance: housekeeping.maintenance,
    unreadProperties: housekeeping.unreadProperties,
    node,
    isStopping,
  });
  careForDisk({
    log,
    ground,
    records,
    mirrors,
    write,
    maintenance: housekeeping.maintenance,
    runner,
    watch: intake.watch,
    releasers,
  });
  syncer.onAbandoned((repository, hints) => {
    for (const { ref, points } of hints)
      intake.watch.reportAbandonedPush(fullName(repository), ref, points.at(-1) ?? ZERO);
  });
  return {
    records,
    tally,
    afterBoot,
    mirrors,
    writers,
    announcer,
    publishing,
    pruning,
    housekeeping,
    refreshing,
    lfs,
    intake,
  };
}

type AnnouncerSettings = Pick<
  Config,
  | "announceHook"
  | "announceTimeoutMs"
  | "announceUrls"
  | "announceSecret"
  | "searchPath"
  | "dataDir"
  | "shutdownTimeoutMs"
>;

interface AnnouncerNeeds {
  log: Log;
  ground: Ground;
  records: Records;
  node: ClusterNode | null;
  releasers: Releasers;
}

function openAnnouncer(config: AnnouncerSettings, { log, ground, records, node, releasers }: AnnouncerNeeds) {
  const announcer = createAnnouncer({
    store: ground.store,
    facts: records.facts,
    mirrorOf: records.layout.mirror,
    runProgram: ground.runProgram,
    tellers: node?.tellers ?? null,
    log,
    now: Date.now,
    announceHook: config.announceHook,
    announceTimeoutMs: config.announceTimeoutMs,
    announceUrls: config.announceUrls,
    announceSecret: config.announceSecret,
    searchPath: config.searchPath,
    dataDir: config.dataDir,
  });
  releasers.add("announcer", () => announcer.stop(config.shutdownTimeoutMs));
  return announcer;
}
