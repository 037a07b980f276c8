import { join } from "node:path";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { createGit } from "../git/run/exec.js";
import { createStreamGit } from "../git/run/stream.js";
import { createStarter } from "../git/starter/supervise.js";
import { createGateway } from "../git/transport/gateway.js";
import { createGitHub } from "../github/api.js";
import { createProcesses } from "../machine/processes.js";
import { createPrograms } from "../machine/programs.js";
import { openStore } from "../store/database.js";
import { createMetrics } from "../watch/metrics.js";
import { openDisk } from "./open-disk.js";
import { endSurvivors, requireGit, requireSameApp, requireUsable } from "./preflight.js";
import { TABLES } from "./tables.js";
import { openTracing } from "./telemetry.js";

type Settings = Pick<
  Config,
  | "appId"
  | "privateKey"
  | "apiUrl"
  | "gitUrl"
  | "dataDir"
  | "gitBinary"
  | "gitStarter"
  | "searchPath"
  | "minFreeDisk"
  | "extraCertificates"
  | "cluster"
  | "telemetry"
  | "keepsWikis"
>;

export type Ground = Awaited<ReturnType<typeof openGround>>;

/**
 * Opens what everything else uses: the store, git and other programs, the clients of GitHub. @throws Error
 * with a remedy
 */
export async function openGround(config: Settings, log: Log, releasers: Releasers) {
  const { dataDir, appId, privateKey, apiUrl } = config;
  requireUsable(config);
  const metrics = createMetrics();
  const tracing = await openTracing(config, { log, metrics, releasers });

  const { disk, reserve } = await openDisk(config);
  // A Lockstep that is alone loads nothing of a cluster.
  const ofNode = config.cluster ? (await import("./cluster/tables.js")).NODE_TABLES : [];
  const store = openStore(dataDir, [...TABLES, ...ofNode]);
  releasers.add("store", store.close);
  requireSameApp({ appId, dataDir }, store);

  const processes = createProcesses(join(dataDir, "run"));
  await endSurvivors(processes, log);
  const starter = config.gitStarter ? createStarter(log) : null;
  if (starter) releasers.add("git starter", starter.close);
  const gitOptions = { binary: config.gitBinary, path: config.searchPath, processes, starter };
  const plainGit = createGit(gitOptions);
  const git = tracing ? tracing.git(plainGit) : plainGit;
  const plainStream = createStreamGit(gitOptions);
  const streamGit = tracing ? tracing.gitStream(plainStream) : plainStream;
  await requireGit(git, config);

  /**
   * Calls that are cancelled when the connections to GitHub's API close; until then they write to the store.
   */
  const lastCalls: Promise<unknown>[] = [];
  releasers.add("last calls", () => Promise.all(lastCalls));
  const github = createGitHub({
    appId,
    privateKey,
    apiUrl,
    wikis: config.keepsWikis,
    onToken: metrics.tokenMinted,
    log: {
      debug: (message) => log.debug({ event: "github_client" }, message),
      warn: (message) => log.warn({ event: "github_client" }, message),
    },
  });
  releasers.add("GitHub's API", github.close);
  const gateway = await createGateway(config.gitUrl, github.token);
  releasers.add("gateway", gateway.close);

  return {
    disk,
    reserve,
    store,
    git,
    streamGit,
    runProgram: createPrograms(processes),
    github,
    gateway,
    metrics,
    tracing,
    lastCalls,
  };
}
