import { monotonicMs } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { keyOf, type RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Releasers } from "../base/releasers.js";
import type { Checkouts } from "../checkouts/published-trees.js";
import type { Config } from "../config/load.js";
import { discard } from "../git/disk/layout.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import { createUpkeep } from "../git/mirror/upkeep.js";
import { listWithProperties } from "../lifecycle/custom-properties.js";
import { createLinks } from "../lifecycle/links.js";
import { createLifecycle } from "../lifecycle/reconcile.js";
import { createRemoval } from "../lifecycle/removal.js";
import { createMaintenanceLog } from "../maintenance/log.js";
import { createMaintenance } from "../maintenance/scheduler.js";
import type { ManagedRepository } from "../registry/repositories.js";
import type { AfterBoot } from "./after-boot.js";
import type { ClusterNode } from "./cluster/node.js";
import type { Ground } from "./ground.js";
import type { Records } from "./records.js";

/** A repository of several gigabytes is repacked within this time on one processor. */
const MAINTENANCE_TIMEOUT_MS = 2 * 3_600_000;

type Settings = Pick<
  Config,
  "retireAfterMs" | "repositories" | "hasTraits" | "asksForProperties" | "fullFetchIntervalMs"
>;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  mirrors: Mirrors;
  checkouts: Checkouts;
  afterBoot: AfterBoot;
  node: Pick<ClusterNode, "wants" | "directory"> | null;
  releasers: Releasers;
}

export type Housekeeping = ReturnType<typeof createHousekeeping>;

/** Builds what adds, renames and removes repositories, and the maintenance of their mirrors. */
export function createHousekeeping(config: Settings, needs: Needs) {
  const { log, ground, records, mirrors, checkouts } = needs;
  const { layout, registry, installations, requests, hasMirror } = records;
  const { retireAfterMs } = config;
  const { transaction } = ground.store;
  const now = Date.now;
  const { earliestNow, latestNow } = ground.github;
  const request = ({ id, installationId }: ManagedRepository) => requests.repository(id, installationId);

  const links = createLinks({ layout, registry, hasMirror, log, request });
  needs.releasers.add("links", links.stop);
  /** Sweeps the links of mirrors and of published trees. */
  const names = {
    link(id: number, name: RepositoryName) {
      links.link(id, name);
      if (links.isOwner(id, name)) checkouts.renameLinks({ id, ...name });
    },
    unlink: links.unlink,
  };

  const maintenance = createMaintenance({
    mirrors,
    log,
    now,
    request,
    records: createMaintenanceLog(ground.store),
    upkeep: createUpkeep({ git: ground.git, layout, timeoutMs: MAINTENANCE_TIMEOUT_MS }),
    repositoryIds: registry.ids,
    clock: monotonicMs,
    repository: registry.get,
    isIdle: (id) => isIdle(records, id),
    hasRoom: () => records.disk.hasRoom("refresh"),
  });
  const removal = createRemoval({
    registry,
    installations,
    log,
    now,
    earliestNow,
    latestNow,
    retireAfterMs,
    transaction,
    everywhere: needs.node?.directory ?? null,
    unlink: names.unlink,
    // Nothing is deleted below a publish, which ends before it would move the link.
    withdraw: (id) => checkouts.withdraw(id) || records.runs.has(keyOf({ kind: "publish", id })),
    discard(id) {
      // The directory is not removed yet; whatever a stopped task still writes goes to the trash with the
      // rest.
      void maintenance.yieldToRefresh(id, { all: true });
      mirrors.distrust(id);
      const discarded = discard(layout, id);
      if (discarded) {
        checkouts.forget(id);
        // What a full disk keeps from being deleted goes with the repository's other rows.
        records.keptTips.replace(id, []).catch(() => {});
      }
      return discarded;
    },
  });
  const lists = config.asksForProperties ? listWithProperties(ground.github, now) : null;
  const lifecycle = createLifecycle({
    github: lists?.github ?? ground.github,
    store: ground.store,
    registry,
    installations,
    removal,
    log,
    now,
    earliestNow,
    hasMirror,
    retireAfterMs,
    link: names.link,
    unlink: names.unlink,
    isWanted: (remote, isKept) =>
      config.repositories(fullName(remote)) &&
      (config.hasTraits(remote) ?? isKept) &&
      (needs.node?.wants(remote.id) ?? true),
    fullFetchIntervalMs: config.fullFetchIntervalMs,
    comparingMs: (id) => records.queue.comparingMs({ kind: "repository", id }),
    request(id, installationId, trigger) {
      if (trigger !== "backstop" || !needs.afterBoot.waitsForTurn(id))
        requests.repository(id, installationId, trigger);
    },
    requestInstallation: requests.installation,
  });
  const unreadProperties = lists?.unread ?? (() => []);
  return { links, names, maintenance, removal, lifecycle, unreadProperties };
}

/**
 * Whether no refresh, publish or fetch for readers of a repository runs or is about to; one that waits for a lagging replica does not
 * count.
 */
const isIdle = ({ runs, queue, fetches }: Records, id: number): boolean =>
  !fetches.isHeld(id) &&
  (["repository", "publish"] as const).every(
    (kind) => !runs.has(keyOf({ kind, id })) && !queue.isPending({ kind, id }),
  );
