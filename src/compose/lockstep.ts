import type { Log } from "../base/log.js";
import { createReleasers, type Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import type { Handler } from "../http/mount.js";
import { createDomain, type Domain } from "./domain.js";
import { openGround } from "./ground.js";
import { createOnce, type Once, type OncePorts } from "./once.js";
import { startClocks } from "./passes.js";
import { createSurfaces } from "./surfaces.js";

export interface Lockstep {
  /** In the order in which they are asked. */
  handlers: Handler[];
  /** Starts the work: what is queued, a first look at every installation, the backstop. */
  start(): void;
  /** Instead of `start`: one pass over everything. */
  once: Once;
  /** One pass of the backstop, as INTERVAL would start it. */
  sweep(): void;
  /**
   * Stops receiving, ends or cancels what runs within SHUTDOWN_TIMEOUT, closes the store.
   * @throws AggregateError when something could not be ended, or not in time
   */
  close(): Promise<void>;
}

/** Beside SHUTDOWN_TIMEOUT: what is cancelled may clear up (4 s), and maintenance before it (5 s); then the rest. */
const GRACES_MS = 15_000;

/** The only place that constructs. @throws Error with what to do, when it cannot start; then nothing stays open */
export async function compose(config: Config, log: Log): Promise<Lockstep> {
  const releasers = createReleasers();
  const deadlineMs = config.shutdownTimeoutMs + GRACES_MS;
  try {
    return await open(config, log, releasers, () => releasers.release({ deadlineMs }));
  } catch (error) {
    await releasers
      .release({ deadlineMs })
      .catch((failure: unknown) =>
        log.error({ event: "start_cleanup_failed", err: failure }, "not all that was opened could be closed"),
      );
    throw error;
  }
}

async function open(
  config: Config,
  log: Log,
  releasers: Releasers,
  close: () => Promise<void>,
): Promise<Lockstep> {
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const ground = await openGround(config, log, releasers);
  const domain = createDomain(config, { log, ground, releasers, isStopping });
  const { handlers, status } = createSurfaces(config, { log, ground, domain, isStopping });
  const { start, sweep } = startClocks(config, { log, ground, domain, releasers });
  releasers.add("receiving", () => stopping.abort());
  const once = createOnce(oncePorts(domain, status, config.shutdownTimeoutMs));
  return { handlers, start, once, sweep, close };
}

function oncePorts(domain: Domain, status: OncePorts["status"], shutdownTimeoutMs: number): OncePorts {
  const { records, announcer, publishing, housekeeping, refreshing } = domain;
  const { queue, requests, registry, installations, deliveries } = records;
  return {
    queue,
    requests,
    onSettled: refreshing.worker.onSettled,
    registry,
    installations,
    announcer,
    deliveries,
    publishedTrees: publishing.sweep,
    links: housekeeping.links,
    maintenance: housekeeping.maintenance,
    status,
    shutdownTimeoutMs,
  };
}
