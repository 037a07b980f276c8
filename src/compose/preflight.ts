import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName, fullNameOrId } from "../base/names.js";
import type { Config } from "../config/load.js";
import type { RunGit } from "../git/run/exec.js";
import type { GitHub, LoggedDelivery } from "../github/api.js";
import type { Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { createFacts, type Facts } from "../store/facts.js";
import type { Tally } from "../store/tally.js";
import type { Metrics } from "../watch/metrics.js";
import type { Watch } from "../watch/monitor.js";

/** How often the clone of a large repository says how far it is. */
const PROGRESS_EVERY_MS = 10_000;

/** @throws Error with what to do, when git is too old */
export async function requireGit(git: RunGit): Promise<void> {
  const { stdout } = await git({ args: ["--version"], gitDir: null, timeoutMs: 10_000 });
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (Number(major) * 1000 + Number(minor) < 2038) {
    throw new Error(
      `git 2.38 or newer is needed, this is "${stdout.trim()}". Upgrade git, or name another in GIT_BINARY.`,
    );
  }
}

/** PUBLIC_URL as the App's webhook URL. A failure is told, not fatal: deliveries may come all the same. */
export async function announceUrl(url: string, github: GitHub, log: Log): Promise<void> {
  try {
    await github.setWebhookUrl(url);
    log.info({ url }, "the App's webhook URL is set");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ url, reason }, "the App's webhook URL could not be set; set it in the App's settings");
  }
}

export function progressLog(log: Log, what: string) {
  let toldAt = 0;
  return (repository: RepositoryName, progress: string) => {
    if (Date.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = Date.now();
    log.info({ repository: fullName(repository), progress }, what);
  };
}

/**
 * To another App every installation known here would look gone.
 * @throws Error when DATA_DIR is another App's
 */
export function requireSameApp({ appId, dataDir }: Config, store: Store): void {
  const facts = createFacts(store);
  const known = facts.get<string>("app") ?? appId;
  if (known !== appId) {
    store.close();
    throw new Error(
      `${dataDir} is that of App ${known}, and APP_ID is ${appId}. Set it right, or give this App a DATA_DIR of its own.`,
    );
  }
  facts.set("app", appId);
}

/** What REFSPECS lets in now and did not before, or the other way round, only a full comparison finds. */
export function takeNote({ refspecs }: Config, facts: Facts, registry: Registry): void {
  const before = facts.get<string[]>("refspecs");
  if (before && before.join() !== refspecs.join()) registry.recheckAll();
  facts.set("refspecs", refspecs);
}

/** One was restored from a backup, or lost: what the database says of the mirrors is not believed. */
export function requireSameTime(tally: Tally, registry: Registry, log: Log): void {
  if (!tally.matches()) {
    registry.doubtAll();
    log.warn({}, "mirrors and database are not of one time: every mirror is compared with GitHub");
  }
  tally.next();
}

/** Only what GitHub tried while this process ran says something of the webhook, and nothing where none is served. */
export function missedCall(
  { deliveries }: Pick<Config, "deliveries">,
  watch: Watch,
  registry: Registry,
  metrics: Pick<Metrics, "delivery">,
) {
  const startedAt = Date.now();
  return ({ deliveredAt, repositoryId, event }: LoggedDelivery) => {
    metrics.delivery("recovered", event);
    if (deliveries === "pull" || repositoryId === null || deliveredAt < startedAt) return;
    watch.untold(repositoryId, fullNameOrId(registry.get(repositoryId), repositoryId));
  };
}
