import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { TURN_MS } from "../lifecycle/after-boot.js";
import { startBackstop } from "../schedule.js";
import type { ClusterNode } from "./cluster/node.js";
import type { Domain } from "./domain.js";
import type { Ground } from "./ground.js";
import { announceUrl } from "./preflight.js";

type Settings = Pick<Config, "intervalMs" | "deliveries" | "pullIntervalMs" | "publicUrl" | "webhookPaths">;

interface Needs {
  log: Log;
  ground: Ground;
  domain: Domain;
  node: Pick<ClusterNode, "isElected"> | null;
  releasers: Releasers;
}

const HOUR_MS = 3_600_000;

/** Builds what starts on its own: the first pass, the backstop's passes, and the readings of GitHub's log. */
export function startClocks(config: Settings, { log, ground, domain, node, releasers }: Needs) {
  const { records, tally, afterBoot, announcer, publishing, pruning, housekeeping, lfs, intake } = domain;
  const { requests } = records;
  const { links, maintenance } = housekeeping;
  const { recovery, watch } = intake;
  const isPulling = config.deliveries === "pull";

  /** A reading begins or ends `deliveries_unread`, which the log then says. */
  const readLog = () => recovery.run().finally(watch.check);

  let isStopping = false;
  releasers.add("passes", () => {
    isStopping = true;
  });

  const onFault = (error: unknown) =>
    log.error(
      { event: "pass_not_begun", err: error },
      "a part of a pass of the backstop could not begin; the next one tries again",
    );

  async function attempt(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      onFault(error);
    }
  }

  /** A full disk fails what writes to the database, and must not keep what frees space from beginning. */
  function doEach(steps: (() => unknown)[]): void {
    for (const step of steps) void attempt(step);
  }

  function start(): void {
    doEach([
      publishing.sweep.clearTrash,
      pruning.run,
      announcer.start,
      () => requests.everything("onboard"),
      () => publishing.sweep.start(() => isStopping),
      afterBoot.requestSome,
      links.sweep,
      () => lfs?.pass(),
    ]);
    if (config.intervalMs !== null || isPulling) void readLog();
    if (config.publicUrl && (node?.isElected("webhook-url") ?? true))
      void announceUrl(config.publicUrl + config.webhookPaths[0], ground.github, log);
  }

  async function sweep(): Promise<void> {
    doEach([
      publishing.sweep.clearTrash,
      () => requests.everything("backstop"),
      maintenance.pass,
      links.sweep,
      tally.next,
      readLog,
    ]);
    await publishing.sweep.run(() => isStopping);
  }

  const turns = setInterval(() => void attempt(afterBoot.requestSome), TURN_MS).unref();
  releasers.add("comparisons after a restart", () => clearInterval(turns));
  // Tables and mirrors wear also while the backstop is off, or comes once a day.
  const hourly = setInterval(() => {
    doEach([pruning.run, maintenance.pass, () => lfs?.pass()]);
  }, HOUR_MS).unref();
  releasers.add("hourly work", () => clearInterval(hourly));
  const backstop = startBackstop("backstop", config.intervalMs, { pass: sweep, onFault });
  releasers.add("backstop", backstop.stop);
  const pull = startBackstop("pull", isPulling ? config.pullIntervalMs : null, { pass: readLog, onFault });
  releasers.add("pull", pull.stop);
  // Stopping does not wait here; only closing the connections to GitHub may end the current call.
  releasers.add("reading of GitHub's log", () => void ground.lastCalls.push(recovery.stop()));
  return { start, sweep, beginPass: backstop.begin };
}
