import { monotonicMs } from "../base/clock.js";
import type { RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { UnreadProperties } from "../base/remote-repository.js";
import { iso } from "../base/units.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { Disk } from "../machine/disk.js";
import type { Installations } from "../registry/installations.js";
import type { Facts } from "../store/facts.js";
import { createAbandonedPushes } from "./abandoned-pushes.js";
import { createLateness } from "./late.js";
import { createPendingPushes } from "./missed-pushes.js";
import {
  backstopProblems,
  type ConsumerDelay,
  consumerProblems,
  installationProblems,
  maintenanceProblems,
  type Problem,
  propertiesProblems,
  recoveryProblems,
} from "./problems.js";
import { createStoreCheck } from "./store-check.js";
import {
  createFailures,
  diskProblems,
  holdProblems,
  type LastingOutage,
  outageProblems,
  storeProblems,
} from "./work.js";

export type { Problem, ProblemCode } from "./problems.js";

export interface WatchPorts {
  installations: Installations;
  facts: Facts;
  disk: Pick<Disk, "state">;
  /** Throws when nothing can be written to the database. */
  probeStore(): void;
  /** GitHub's rate limits, as GitHub last reported them. */
  limits(): { whose: string; heldUntil: number }[];
  /** The servers of GitHub's that answer nobody. */
  outages(): LastingOutage[];
  recovery(): RecoveryState;
  /** When a delivery last arrived by that source, in milliseconds since 1970. */
  lastDeliveryAt(): number | null;
  /** Consumers of events. */
  consumers(): ConsumerDelay[];
  /** The tasks of maintenance that wait for their turn. */
  maintenance(): { waiting: number; oldestMs: number };
  /** Organisations whose custom properties REPOSITORIES asks for and could not be read. */
  unreadProperties(): UnreadProperties[];
  /** Null means that the backstop is off. */
  intervalMs: number | null;
  /**
   * How deliveries arrive: GitHub calls, or its log is read; null when neither is configured, as no secret is
   * set.
   */
  deliverySource: "webhook" | "pull" | null;
  /** Problems of the cluster that this Lockstep belongs to. */
  ofCluster?: () => Problem[];
  now(): number;
  /** The monotonic clock, in milliseconds; waits go by it. */
  clock?: () => number;
  log: Pick<Log, "info" | "warn">;
}

export interface Watch {
  problems(): Problem[];
  /** Reports that a pass of the backstop over the installations has ended, which began so many milliseconds ago. */
  passed(error: RefreshError | null, begunAgoMs: number): void;
  /** Reports the end of a refresh. @param result as in the log, or the code of the failure */
  refreshed(result: string): void;
  /**
   * Reports a push that no delivery reported, or that GitHub could not deliver.
   * @param begunAgoMs deliveries that arrived since that many milliseconds ago may have reported the push
   */
  reportMissedPush(repositoryId: number, repository: string, begunAgoMs?: number): void;
  /** Reports a push that GitHub reported and has not shown within a day. */
  reportAbandonedPush(repository: string, ref: string, tip: string): void;
  /** Reports that a delivery about the repository arrived after all. */
  noteDelivery(repositoryId: number): void;
  /** Logs problems that began or ended since the last call. */
  check(): void;
  /** The time at which the last successful pass began, in milliseconds since 1970, and why a later one failed. */
  backstop(): { passedAt: number | null; error: { code: string; message: string } | null };
}

interface Pass {
  /** When the last successful pass began: by the wall clock, and by the monotonic clock. */
  passedAt: number | null;
  begunAt: number | null;
  failedAt: number;
  error: RefreshError | null;
}

export function createWatch(ports: WatchPorts): Watch {
  const { installations, now, clock = monotonicMs } = ports;
  const startedAt = now();
  const late = createLateness({ intervalMs: ports.intervalMs, now, clock });
  const pushes = createPendingPushes({ ...ports, clock }, ports.deliverySource);
  const failures = createFailures(now);
  const storeFault = createStoreCheck(ports.probeStore, clock);
  const abandoned = createAbandonedPushes(ports);
  const open = new Map<string, Problem>();
  const pass: Pass = { passedAt: null, begunAt: null, failedAt: 0, error: null };

  /** @returns since when a condition holds that does not say so itself, by the first check that found it */
  const sinceOf = (code: Problem["code"]): number => open.get(code)?.since ?? now();

  const machineProblems = () => [
    ...diskProblems(ports.disk.state(), Math.min(sinceOf("disk_full"), sinceOf("disk_low"))),
    ...storeProblems(storeFault(), sinceOf("database_unwritable")),
    ...failures.problems(),
    ...outageProblems(ports.outages(), now()),
    ...holdProblems(ports.limits(), { now: now(), since: sinceOf("github_calls_held") }),
  ];

  function problems(): Problem[] {
    const all = installations.all();
    late.keepOnly(all.map(({ id }) => id));
    return [
      ...machineProblems(),
      ...backstopProblems(pass, late.ofPass(pass.begunAt)),
      ...recoveryProblems(ports.recovery(), startedAt),
      ...pushes.problems(),
      ...abandoned.problems(),
      ...(ports.ofCluster?.() ?? []),
      ...consumerProblems(ports.consumers(), now()),
      ...maintenanceProblems(ports.maintenance(), now()),
      ...propertiesProblems(ports.unreadProperties()),
      ...all.flatMap((it) =>
        installationProblems(it, installations.held(it.id), late.ofList(it.id, it.listedAt)),
      ),
    ];
  }

  return {
    problems,
    passed(error, begunAgoMs) {
      if (error === null) {
        // A clock that was set back during the pass makes its length negative.
        pass.passedAt = now() - Math.max(0, begunAgoMs);
        pass.begunAt = clock() - Math.max(0, begunAgoMs);
      } else if (!pass.error) pass.failedAt = now();
      pass.error = error;
    },
    refreshed: failures.note,
    reportMissedPush: pushes.add,
    reportAbandonedPush: abandoned.add,
    noteDelivery: pushes.drop,
    check: () => logChanges(open, problems(), ports.log),
    backstop: () => ({
      passedAt: pass.passedAt,
      error: pass.error && { code: pass.error.code, message: pass.error.message },
    }),
  };
}

function logChanges(open: Map<string, Problem>, problems: Problem[], log: WatchPorts["log"]): void {
  const found = new Map(problems.map((problem) => [keyOf(problem), problem]));
  for (const [key, problem] of found) {
    if (!open.has(key))
      log.warn({ event: "problem_opened", ...detailsOf(problem) }, `problem: ${problem.code}`);
    open.set(key, problem);
  }
  for (const [key, problem] of open) {
    if (found.has(key)) continue;
    open.delete(key);
    log.info({ event: "problem_closed", ...detailsOf(problem) }, `problem resolved: ${problem.code}`);
  }
}

const keyOf = ({ code, installationId, consumer = "" }: Problem) =>
  installationId ? `${code}:${installationId}` : code + consumer;

const detailsOf = ({ code, detail, remedy, installationId, since }: Problem) => ({
  ...(installationId === undefined ? {} : { installation: installationId }),
  code,
  detail,
  remedy,
  since: iso(since),
});
