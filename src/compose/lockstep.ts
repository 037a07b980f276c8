import { monotonicMs } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { createReleasers, type Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { createLayout } from "../git/disk/layout.js";
import { convertMirrors } from "../git/disk/swap.js";
import type { Handler } from "../http/handler.js";
import { BOOT_ID_FILE, readBootId } from "../machine/boot.js";
import { createReadTable } from "../serve/seen/table.js";
import { openAlerts } from "./alerts.js";
import { createDomain, type Domain } from "./domain.js";
import { openGround } from "./ground.js";
import { createOnce, type Once, type OncePorts } from "./once.js";
import { startClocks } from "./passes.js";
import { explainStart, tellMisspelt } from "./preflight.js";
import { createReaderRights, NOWHERE } from "./rights.js";
import { openServing } from "./serving.js";
import { createSurfaces } from "./surfaces.js";

export interface Lockstep {
  /** Handlers of HTTP requests, in the order in which they are asked. */
  handlers: Handler[];
  /** Starts the work: queued requests, a first pass over every installation, and the backstop. */
  start(): void;
  /** Runs a single pass over everything, in place of `start`. */
  once: Once;
  /** Runs one pass of the backstop, as INTERVAL would start it. */
  sweep(): void;
  /**
   * Stops accepting deliveries, ends or cancels running work within SHUTDOWN_TIMEOUT, and closes the store.
   * @throws AggregateError when something could not be stopped, or not in time
   */
  close(): Promise<void>;
}

/**
 * The time beyond SHUTDOWN_TIMEOUT: cancelled work may clean up (4 s), maintenance before that (5 s), then
 * the rest.
 */
const GRACES_MS = 15_000;

interface Options {
  /** The file with the machine's boot id. */
  bootIdFile?: string;
}

/**
 * The only place that constructs parts. @throws Error with a remedy when Lockstep cannot start; then nothing
 * stays open
 */
export async function compose(config: Config, log: Log, options: Options = {}): Promise<Lockstep> {
  const releasers = createReleasers();
  const deadlineMs = config.shutdownTimeoutMs + GRACES_MS;
  const boot = readBootId(options.bootIdFile ?? BOOT_ID_FILE);
  const close = () => releasers.release({ deadlineMs });
  try {
    return await open(config, { log, releasers, boot, close });
  } catch (error) {
    await releasers
      .release({ deadlineMs })
      .catch((failure: unknown) =>
        log.error(
          { event: "start_cleanup_failed", err: failure },
          "some of what was opened could not be closed",
        ),
      );
    throw explainStart(error, config);
  }
}

interface Needs {
  log: Log;
  releasers: Releasers;
  /** The machine's boot id. */
  boot: string;
  /** Null: READERS says who may read. */
  close(): Promise<void>;
}

async function open(config: Config, { log, releasers, boot, close }: Needs): Promise<Lockstep> {
  tellMisspelt(config, log);
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const opened = await openGround(config, log, releasers);
  await convertMirrors(createLayout(config.dataDir));
  // A Lockstep that is alone loads nothing of a cluster.
  const cluster = config.cluster && (await import("./cluster.js"));
  const node =
    cluster && (await cluster.openNode(config.cluster!, config, { log, ground: opened, releasers }));
  const ground = node ? { ...opened, github: node.github } : opened;
  const domain = createDomain(config, { log, ground, releasers, boot, node, isStopping });
  const shares =
    cluster &&
    node &&
    (await cluster.joinOthers(config.cluster!, config, { log, node, domain, ground, releasers }));
  const reads = createReadTable({ now: Date.now, monotonic: monotonicMs });
  const clocks = startClocks(config, { log, ground, domain, node, releasers });
  const { handlers, status } = createSurfaces(config, {
    log,
    ground,
    domain,
    reads,
    accept: shares?.accept ?? null,
    nodes: shares?.nodes ?? null,
    gather: shares?.gather ?? null,
    sessions: shares?.sessions ?? null,
    beginPass: clocks.beginPass,
    releasers,
    isStopping,
  });
  const startAlerts = openAlerts(config, { log, facts: domain.records.facts, status, releasers });
  const rights = createReaderRights(config, { ground, domain, elsewhere: node?.listed ?? NOWHERE });
  const between = shares?.between ?? null;
  const forNodes = await openServing(config, { log, ground, domain, rights, reads, between, releasers });
  releasers.add("receiving", () => stopping.abort());
  const once = createOnce(oncePorts(domain, status, config.shutdownTimeoutMs));
  return {
    handlers: [...(shares?.handlers ?? []), ...(forNodes ? [forNodes] : []), ...handlers],
    start() {
      clocks.start();
      startAlerts();
    },
    once,
    sweep: clocks.sweep,
    close,
  };
}

function oncePorts(domain: Domain, status: OncePorts["status"], shutdownTimeoutMs: number): OncePorts {
  const { records, announcer, publishing, housekeeping, refreshing } = domain;
  const { queue, requests, registry, installations } = records;
  return {
    queue,
    requests,
    onSettled: refreshing.worker.onSettled,
    registry,
    installations,
    announcer,
    pruning: domain.pruning,
    publishedTrees: publishing.sweep,
    links: housekeeping.links,
    maintenance: housekeeping.maintenance,
    lfs: domain.lfs,
    status,
    shutdownTimeoutMs,
  };
}
