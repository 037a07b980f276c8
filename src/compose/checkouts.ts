import type { Outbox } from "../announce/outbox.js";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import { createBlobs } from "../checkouts/blobs.js";
import { createContents } from "../checkouts/contents.js";
import { createGate } from "../checkouts/gate.js";
import { createLfsFiles } from "../checkouts/lfs/files.js";
import { createObstacles } from "../checkouts/obstacles.js";
import { createPool } from "../checkouts/pool.js";
import { createCheckouts } from "../checkouts/published-trees.js";
import { createSubmodules } from "../checkouts/submodules.js";
import { createSweep } from "../checkouts/sweep.js";
import type { Config } from "../config/load.js";
import { extentOf } from "../git/disk/layout.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Pins } from "../git/mirror/pins.js";
import type { Writers } from "../git/mirror/writers.js";
import { createTrees } from "../git/tree/trees.js";
import type { Ground } from "./ground.js";
import { logProgress } from "./progress.js";
import type { Records } from "./records.js";

type Settings = Pick<
  Config,
  | "checkouts"
  | "checkoutGraceMs"
  | "treeBudget"
  | "cloneTimeoutMs"
  | "directFetch"
  | "gitUrl"
  | "submodulesFrom"
  | "searchPath"
  | "prePublishHook"
  | "prePublishTimeoutMs"
  | "signers"
>;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  mirrors: Mirrors;
  pins: Pins;
  writers: Writers;
  outbox: Outbox;
  /** The machine's boot id. */
  boot: string;
  releasers: Releasers;
}

/** Builds the published trees, and the sweep that finds what no webhook reports. */
export function createPublishing(config: Settings, needs: Needs) {
  const { log, ground, records, mirrors, boot } = needs;
  const { write, visit } = needs.writers;
  const { git, streamGit, gateway, metrics } = ground;
  const { layout, ledger, registry } = records;
  const { requireSpace } = records.disk;
  const { published, refused } = needs.outbox;
  const obstacles = createObstacles(log);
  const graceMs = config.checkoutGraceMs;
  const timeoutMs = config.cloneTimeoutMs;
  const now = Date.now;

  function request(id: number): void {
    const repository = registry.managed(id);
    if (repository) records.requests.repository(id, repository.installationId);
  }

  const submodules = createSubmodules({
    gateway,
    registry,
    layout,
    requireSpace,
    gitUrl: config.gitUrl,
    submodulesFrom: config.submodulesFrom,
    // A partial mirror lacks the contents that none of its own checkouts publishes.
    isSource: (id) => records.hasMirror(id) && extentOf(layout.mirror(id)).filter === null,
    repositoryNamed: ground.github.repositoryNamed,
    installationOf: (login) => activeInstallation(records, login),
  });
  const blobs = createBlobs({
    git,
    layout,
    gateway,
    timeoutMs,
    requireSpace,
    write,
    distrust: mirrors.distrust,
    onProgress: logProgress(log, "fetching contents"),
    onFetched: metrics.fetched,
  });
  const lfs = createLfsFiles({ lfs: gateway.lfs, budget: config.treeBudget, requireSpace, timeoutMs });
  const checkouts = createCheckouts({
    git,
    layout,
    log,
    ledger,
    graceMs,
    request,
    published,
    refused,
    visit,
    blobs,
    boot,
    now,
    budget: config.treeBudget,
    disk: records.disk,
    selection: config.checkouts,
    tip: mirrors.tip,
    pool: createPool({ ledger, layout, obstacles, graceMs, requireSpace, published, boot, now }),
    contents: createContents({
      git,
      streamGit,
      direct: config.directFetch,
      budget: config.treeBudget,
      layout,
      timeoutMs,
      submodules,
      lfs,
    }),
    trees: createTrees({ git, timeoutMs, direct: config.directFetch }),
    pins: needs.pins,
    gate: createGate({
      git,
      run: ground.runProgram,
      hook: config.prePublishHook,
      hookTimeoutMs: config.prePublishTimeoutMs,
      signers: config.signers,
      searchPath: config.searchPath,
    }),
  });
  needs.releasers.add("published trees", checkouts.stop);
  const sweep = createSweep({
    checkouts,
    registry,
    layout,
    obstacles,
    request,
    hasMirror: records.hasMirror,
    hasWantedExtent: mirrors.hasWantedExtent,
  });
  return { checkouts, sweep };
}

/**
 * Returns the installation of an account, by the account's id; null when the account has not installed the
 * App.
 */
function activeInstallation({ installations }: Records, login: string): number | null {
  const found = installations
    .all()
    .find((known) => known.state === "active" && known.login.toLowerCase() === login.toLowerCase());
  return found?.id ?? null;
}
