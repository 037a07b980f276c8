import type { RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { iso } from "../base/units.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { Disk } from "../machine/disk.js";
import type { Installations } from "../registry/installations.js";
import type { Facts } from "../store/facts.js";
import { createAbandonedPushes } from "./abandoned-pushes.js";
import { createPendingPushes } from "./missed-pushes.js";
import {
  backstopProblems,
  type ConsumerDelay,
  consumerProblems,
  diskProblems,
  installationProblems,
  type Problem,
  recoveryProblems,
} from "./problems.js";

export type { Problem, ProblemCode } from "./problems.js";

export interface WatchPorts {
  installations: Installations;
  facts: Facts;
  disk: Disk;
  recovery(): RecoveryState;
  /** When a delivery last arrived by that source, in milliseconds since 1970. */
  lastDeliveryAt(): number | null;
  /** Consumers of events. */
  consumers(): ConsumerDelay[];
  /** Null means that the backstop is off. */
  intervalMs: number | null;
  /**
   * How deliveries arrive: GitHub calls, or its log is read; null when neither is configured, as no secret is
   * set.
   */
  deliverySource: "webhook" | "pull" | null;
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

export interface Watch {
  problems(): Problem[];
  /** Reports that a pass of the backstop over the installations has ended. */
  passed(error: RefreshError | null): void;
  /**
   * Reports a push that no delivery reported, or that GitHub could not deliver.
   * @param since deliveries that arrived after this time may have reported the push
   */
  reportMissedPush(repositoryId: number, repository: string, since?: number): void;
  /** Reports a push that GitHub reported and has not shown within a day. */
  reportAbandonedPush(repository: string, ref: string, tip: string): void;
  /** Reports that a delivery about the repository arrived after all. */
  noteDelivery(repositoryId: number): void;
  /** Logs problems that began or ended since the last call. */
  check(): void;
  backstop(): { passedAt: number | null; error: { code: string; message: string } | null };
}

export function createWatch(ports: WatchPorts): Watch {
  const { installations, now } = ports;
  const startedAt = now();
  const pushes = createPendingPushes(ports, ports.deliverySource);
  const abandoned = createAbandonedPushes(ports);
  const open = new Map<string, Problem>();
  const pass: { passedAt: number | null; failedAt: number; error: RefreshError | null } = {
    passedAt: null,
    failedAt: 0,
    error: null,
  };

  /** @returns the time of the last success, when it is longer ago than a pass may take; else null */
  function lateSince(at: number | null): number | null {
    const since = Math.max(at ?? 0, startedAt);
    return ports.intervalMs !== null && now() - since > 2 * ports.intervalMs + 60_000 ? since : null;
  }

  const problems = () => [
    ...backstopProblems(pass, lateSince(pass.passedAt)),
    ...recoveryProblems(ports.recovery(), startedAt),
    ...pushes.problems(),
    ...abandoned.problems(),
    ...consumerProblems(ports.consumers(), now()),
    ...diskProblems(ports.disk.state(), open.get("disk_low")?.since ?? now()),
    ...installations
      .all()
      .flatMap((it) => installationProblems(it, installations.held(it.id), lateSince(it.listedAt))),
  ];

  return {
    problems,
    passed(error) {
      if (error === null) pass.passedAt = now();
      else if (!pass.error) pass.failedAt = now();
      pass.error = error;
    },
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
