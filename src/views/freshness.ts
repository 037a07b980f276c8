import type { Announcer } from "../announce/announcer.js";
import { ageOf, isAhead } from "../base/clock.js";
import { iso } from "../base/units.js";
import type { Config } from "../config/load.js";
import type { DeliveryLog } from "../deliveries/log.js";
import type { Recovery } from "../deliveries/recovery.js";
import type { RateLimit } from "../github/api.js";
import type { HealthPorts } from "../http/health.js";
import type { OutageView } from "../http/log-view.js";
import type { StatusView } from "../http/operate.js";
import type { FreshnessState } from "../http/status-view.js";
import type { Disk, DiskState } from "../machine/disk.js";
import { WORK_CLASSES } from "../queue/classes.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { Runner } from "../queue/runner.js";
import type { Installations } from "../registry/installations.js";
import { createProofAges } from "../registry/proof-ages.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import type { ProblemCode, Watch } from "../watch/monitor.js";
import type { AttentionList } from "./attention.js";
import type { Waits } from "./waits.js";

interface Ports extends Pick<Config, "staleAfterMs" | "intervalMs" | "minFreeDisk" | "customRefs"> {
  store: Store;
  registry: Pick<Registry, "states" | "mirrors">;
  deliveries: Pick<DeliveryLog, "lastCallAt">;
  queue: Pick<RefreshQueue, "depth" | "waiting">;
  runner: Pick<Runner, "taken">;
  waits(): Pick<Waits, "held" | "outages">;
  attention(whole: Pick<StatusView, "problems"> & { outages: OutageView[] }): AttentionList;
  watch: Pick<Watch, "problems" | "backstop">;
  recovery: Pick<Recovery, "state">;
  disk: Pick<Disk, "state">;
  announcer: Pick<Announcer, "lags">;
  github: { usage(): { calls: number; limits: RateLimit[] } };
  installations: Pick<Installations, "get">;
  mode: "webhook" | "pull";
  serving: StatusView["serving"];
  now(): number;
}

/**
 * Returns when a repository was last known to equal GitHub: before the question of its last full comparison, or
 * before a later question that GitHub answered with nothing pushed since. In milliseconds; null means never, or that
 * the clock was wrong then.
 * @param customRefs whether REFSPECS includes more than heads and tags, which `pushed_at` does not cover
 */
export function provenAt(
  repository: ManagedRepository,
  { customRefs, now }: { customRefs: boolean; now: number },
): number | null {
  const { fullAt, state, pushedAt, settledPushedAt, askedAt } = repository;
  if (fullAt === null || isAhead(fullAt, now)) return null;
  const quiet = !customRefs && state === "fresh" && pushedAt <= settledPushedAt && !isAhead(askedAt, now);
  return Math.min(now, quiet ? Math.max(fullAt, askedAt) : fullAt);
}

const stateOf = ({ managed, cloned }: { managed: number; cloned: number }): FreshnessState =>
  managed === 0 ? "empty" : cloned < managed ? "cloning" : "fresh";

const diskOf = ({ freeBytes, totalBytes, low, full, hasReserve }: DiskState) => ({
  freeBytes,
  totalBytes,
  low: low || full !== null,
  full: full && { path: full.path, lacks: full.lacks, stops: full.stops },
  reserve: hasReserve,
});

/** Names the account that a limit counts for. @param whose `app`, or `installation <id>` */
function accountOf({ get }: Ports["installations"], whose: string): string | null {
  const [, id] = /^installation (\d+)$/.exec(whose) ?? [];
  return id === undefined ? null : get(Number(id))?.login || whose;
}

function classesOf({ queue, runner }: Pick<Ports, "queue" | "runner">): StatusView["queue"]["classes"] {
  const [taken, waiting] = [runner.taken(), queue.waiting()];
  return WORK_CLASSES.map((each) => ({ class: each, ...taken[each], waiting: waiting[each] }));
}

/** These do not make the mirrors stale: what is behind them, another node, or what REPOSITORIES may choose next. */
const HARMLESS: ProblemCode[] = [
  "consumer_behind",
  "maintenance_behind",
  "node_away",
  "nodes_differ",
  "properties_unread",
  "redis_away",
];

export interface Freshness {
  fresh: HealthPorts["fresh"];
  status(): StatusView;
}

/** Summarizes freshness for a monitor and for the API. */
export function createFreshness(ports: Ports): Freshness {
  const { registry, watch, store, staleAfterMs, customRefs, now } = ports;
  const proofAges = createProofAges({ store, staleAfterMs, customRefs, now });

  const problems = () => watch.problems().map(({ since, ...rest }) => ({ ...rest, since: iso(since) }));

  function fresh() {
    const { oldestMs, stale } = proofAges();
    const found = problems();
    const mirrors = registry.mirrors();
    const isSound = stale.length === 0 && found.every(({ code }) => HARMLESS.includes(code));
    const state = isSound ? stateOf(mirrors) : "stale";
    return { state, mirrors, oldestMs, problems: found, repositories: stale };
  }

  function status(): StatusView {
    const { state, mirrors, oldestMs, problems: found } = fresh();
    const { readAt, reading } = ports.recovery.state();
    const { passedAt, error } = watch.backstop();
    const { calls, limits } = ports.github.usage();
    const { held, outages } = ports.waits();
    const attention = ports.attention({ problems: found, outages });
    return {
      fresh: state === "fresh",
      state,
      mirrors,
      oldestUnprovenMs: oldestMs,
      repositories: registry.states(),
      problems: found,
      attention: attention.attention,
      attentionTotal: attention.total,
      heldRepositories: attention.heldRepositories,
      queue: { depth: ports.queue.depth(), classes: classesOf(ports), held, outages },
      backstop: { intervalMs: ports.intervalMs, lastPassAt: iso(passedAt), lastError: error },
      deliveries: {
        mode: ports.mode,
        lastWebhookAt: iso(ports.deliveries.lastCallAt()),
        lastReadAt: iso(readAt),
        reading: reading && { ...reading, at: iso(reading.at) },
      },
      github: {
        calls,
        limits: limits.map(({ resetsAt, heldUntil, ...limit }) => ({
          ...limit,
          account: accountOf(ports.installations, limit.whose),
          resetsAt: iso(resetsAt),
          heldUntil: heldUntil > ports.now() ? iso(heldUntil) : null,
        })),
      },
      announce: ports.announcer.lags().map(({ oldestAt, lastError, ...lag }) => ({
        ...lag,
        oldestAgeMs: oldestAt === null ? null : ageOf(oldestAt, ports.now()),
        lastError: lastError && { ...lastError, at: iso(lastError.at) },
      })),
      serving: ports.serving,
      disk: { ...diskOf(ports.disk.state()), minFreeBytes: ports.minFreeDisk },
    };
  }

  return { fresh, status };
}
