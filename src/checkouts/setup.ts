import type { RepositoryName } from "../base/model.js";
import type { Config } from "../config/load.js";
import { emptyTrash, extentOf, type Layout } from "../git/disk/layout.js";
import { createPins } from "../git/mirror/pins.js";
import type { RunGit } from "../git/run/exec.js";
import type { Gateway } from "../git/transport/gateway.js";
import { createTrees } from "../git/tree/trees.js";
import type { Disk } from "../machine/disk.js";
import type { RunProgram } from "../machine/programs.js";
import type { Installations, KnownInstallation } from "../registry/installations.js";
import { isManaged, type Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { createBlobs } from "./blobs.js";
import { createContents } from "./contents.js";
import { createGate } from "./gate.js";
import { createLedger } from "./ledger.js";
import { createLfsFiles } from "./lfs-files.js";
import { createObstacles } from "./obstacles.js";
import { createPool } from "./pool.js";
import type { PublishTools } from "./publish.js";
import { createCheckouts } from "./published-trees.js";
import { createSubmodules } from "./submodules.js";

interface Ports extends Pick<PublishTools, "log" | "tip" | "published"> {
  config: Config;
  store: Store;
  git: RunGit;
  layout: Layout;
  runProgram: RunProgram;
  disk: Disk;
  registry: Registry;
  installations: Pick<Installations, "all">;
  gateway: Pick<Gateway, "open" | "lfs">;
  hasMirror(id: number): boolean;
  /** Whether the mirror has as much as CHECKOUTS asks for. */
  fits(id: number): boolean;
  request(id: number, installationId: number): void;
  distrust(id: number): void;
  onProgress(repository: RepositoryName, line: string): void;
  onFetched(stats: { requests: number; bytes: number }): void;
}

/** Published trees, as one part of the whole. */
export function composeCheckouts(ports: Ports) {
  const { config, log, git, layout, registry, disk, gateway, onProgress, onFetched } = ports;
  const { requireSpace } = disk;
  const common = { git, layout, log, now: Date.now, graceMs: config.checkoutGraceMs };
  const ledger = createLedger(ports.store);
  const request = (id: number) => {
    const repository = registry.get(id);
    if (repository && isManaged(repository)) ports.request(id, repository.installationId);
  };
  const submodules = createSubmodules({
    ...{ gateway, registry, layout, gitUrl: config.gitUrl, requireSpace },
    submodulesFrom: config.submodulesFrom,
    // A partial mirror does not have what nobody publishes of it.
    isSource: (id) => ports.hasMirror(id) && extentOf(layout.mirror(id)).filter === null,
    installationOf(login) {
      const has = (known: KnownInstallation) => known.login.toLowerCase() === login.toLowerCase();
      return ports.installations.all().find((known) => known.state === "active" && has(known))?.id ?? null;
    },
  });
  const timeoutMs = config.cloneTimeoutMs;
  const obstacles = createObstacles(log);
  const lfs = createLfsFiles({ lfs: gateway.lfs, requireSpace, timeoutMs });
  const checkouts = createCheckouts({
    ...common,
    ...{ ledger, request, selection: config.checkouts, tip: ports.tip, published: ports.published },
    pool: createPool({ ...common, ledger, obstacles, requireSpace, published: ports.published }),
    blobs: createBlobs({
      ...{ git, layout, gateway, timeoutMs, requireSpace, onProgress, onFetched },
      ...{ distrust: ports.distrust, now: Date.now },
    }),
    contents: createContents({ git, layout, timeoutMs, submodules, lfs }),
    trees: createTrees({ git, timeoutMs }),
    pins: createPins({ git, log }),
    gate: createGate({
      ...{ git, run: ports.runProgram, searchPath: config.searchPath },
      ...{ hook: config.prePublishHook, hookTimeoutMs: config.prePublishTimeoutMs, signers: config.signers },
    }),
  });

  /** A new entry of CHECKOUTS, or a link that someone took away: no push will tell of it. */
  function requestMissing(atStart: boolean): void {
    for (const repository of registry.all()) {
      const { id, state, pausedAt } = repository;
      if (!isManaged(repository) || state === "suspended" || pausedAt !== null) continue;
      const isAmiss = () => atStart && ports.hasMirror(id) && !ports.fits(id);
      if ((checkouts.isOutdated(repository) || isAmiss()) && ports.hasMirror(id)) request(id);
    }
  }

  async function clearTrash(): Promise<void> {
    for (const { path, error } of await emptyTrash(layout)) obstacles.met(path, error);
  }

  return {
    ...checkouts,
    start() {
      void clearTrash();
      checkouts.start();
      requestMissing(true);
    },
    /** Once in each pass of the backstop. */
    look() {
      void clearTrash();
      requestMissing(false);
      void checkouts.check();
    },
  };
}
