import { isAhead } from "../base/clock.js";
import type { UnreadProperties } from "../base/remote-repository.js";
import { countedRepositories } from "../base/units.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { HeldRemoval, KnownInstallation } from "../registry/installations.js";

export const PROBLEM_CODES = [
  "backstop_failing",
  "backstop_late",
  "consumer_behind",
  "database_unwritable",
  "deliveries_left_out",
  "deliveries_of_later_version",
  "deliveries_unread",
  "disk_full",
  "disk_low",
  "github_calls_held",
  "installation_failing",
  "installation_suspended",
  "maintenance_behind",
  "node_away",
  "nodes_differ",
  "properties_unread",
  "push_never_shown",
  "redis_away",
  "refreshes_failing",
  "removal_held",
  "server_out",
  "webhook_silent",
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/**
 * Why no delivery reported a push:
 * - not_called: GitHub's log has no call for it.
 * - refused: GitHub's last call got an answer that refuses it, such as 401.
 * - unanswered: GitHub's last call got no answer.
 * - not_logged: with DELIVERIES=pull, GitHub's log does not have the push.
 */
export type SilenceCause = "not_called" | "refused" | "unanswered" | "not_logged";

/** A condition that keeps, or may keep, mirrors from being in step, whatever their own state is. */
export interface Problem {
  code: ProblemCode;
  /** The start of the problem, in milliseconds since 1970. */
  since: number;
  detail: string;
  remedy: string;
  installationId?: number;
  consumer?: string;
  /** Of `webhook_silent`: why no delivery arrived; missing when GitHub's log was not read. */
  cause?: SilenceCause;
}

interface Pass {
  failedAt: number;
  error: { code: string; message: string; hint: string } | null;
}

/** @param lateSince since when the last success is too old; null when it is not */
export function backstopProblems({ error, failedAt }: Pass, lateSince: number | null): Problem[] {
  if (error) {
    const detail = `could not list the App's installations (${error.code}): ${error.message}`;
    return [{ code: "backstop_failing", since: failedAt, detail, remedy: error.hint }];
  }
  if (lateSince === null) return [];
  const detail = "no pass over the installations finished in time";
  return [{ code: "backstop_late", since: lateSince, detail, remedy: "see the server's log" }];
}

export function recoveryProblems({ error, readAt }: RecoveryState, startedAt: number): Problem[] {
  if (!error) return [];
  const detail = `could not read the App's deliveries (${error.code}): ${error.message}`;
  return [{ code: "deliveries_unread", since: readAt ?? startedAt, detail, remedy: error.hint }];
}

/** @param lateSince since when the installation's list is too old; null when it is not */
export function installationProblems(
  installation: KnownInstallation,
  held: HeldRemoval | null,
  lateSince: number | null,
): Problem[] {
  const { id: installationId } = installation;
  const found = [...heldProblem(installation, held), ...stateProblem(installation, lateSince)];
  return found.map((problem) => ({ ...problem, installationId }));
}

/** An installation known only from an event has no name yet. */
const nameOf = ({ id, login }: KnownInstallation) => login || `installation ${id}`;

function heldProblem(installation: KnownInstallation, held: HeldRemoval | null): Problem[] {
  if (!held) return [];
  const { id } = installation;
  const detail = `GitHub no longer lists ${held.repositoryIds.length} repositories of ${nameOf(installation)} at once`;
  const remedy = `restore the App's access, or POST /api/v1/installations/${id}/confirm-removal`;
  return [{ code: "removal_held", since: held.heldAt, detail, remedy }];
}

function stateProblem(installation: KnownInstallation, lateSince: number | null): Problem[] {
  const { state, since, error } = installation;
  const login = nameOf(installation);
  if (state === "suspended") {
    const detail = `the installation of ${login} is suspended`;
    const remedy = "unsuspend it in the account's settings, or uninstall the App there";
    return [{ code: "installation_suspended", since, detail, remedy }];
  }
  if (state === "active" && error) {
    const detail = `the repositories of ${login} could not be listed (${error.code}): ${error.message}`;
    return [{ code: "installation_failing", since: error.at, detail, remedy: error.hint }];
  }
  if (state !== "active" || lateSince === null) return [];
  const detail = `the repositories of ${login} were not listed in time`;
  const remedy = "see the queue in GET /api/v1/status and the server's log";
  return [{ code: "backstop_late", since: lateSince, detail, remedy }];
}

export const propertiesProblems = (unread: readonly UnreadProperties[]): Problem[] =>
  unread.map(({ installationId, owner, since, code, message }) => ({
    code: "properties_unread",
    since,
    installationId,
    detail: `the custom properties of ${owner}'s repositories could not be read (${code}): ${message}`,
    remedy: `give the App the organization permission Custom properties: read-only, and have an owner of ${owner} accept it; until then property: in REPOSITORIES adds and removes nothing there`,
  }));

/** A task that waits this long is not the last of a busy night: tasks become due faster than they end. */
const MAINTENANCE_LATE_MS = 86_400_000;

/** @param oldestMs for how long the oldest task has waited, in milliseconds */
export function maintenanceProblems(
  { waiting, oldestMs }: { waiting: number; oldestMs: number },
  now: number,
): Problem[] {
  if (oldestMs < MAINTENANCE_LATE_MS) return [];
  return [
    {
      code: "maintenance_behind",
      since: now - oldestMs + MAINTENANCE_LATE_MS,
      detail: `${waiting} tasks of maintenance wait, the oldest for ${Math.floor(oldestMs / 3_600_000)} hours`,
      remedy:
        "give the server a faster disk or fewer repositories; see maintenance_done and maintenance_failed in its log for what takes long",
    },
  ];
}

/** A consumer has this long for a restart before it counts as behind. */
const BEHIND_AFTER_MS = 5 * 60_000;

export interface ConsumerDelay {
  consumer: string;
  /** The number of repositories with events that the consumer has not accepted. */
  repositories: number;
  /** When the oldest unaccepted event was made; null when all were accepted. */
  oldestAt: number | null;
}

export function consumerProblems(consumers: ConsumerDelay[], now: number): Problem[] {
  const isLate = (at: number) => now - at > BEHIND_AFTER_MS || isAhead(at, now);
  const late = consumers.filter(({ oldestAt }) => oldestAt !== null && isLate(oldestAt));
  return late.map(({ consumer, repositories, oldestAt }) => ({
    code: "consumer_behind",
    since: Math.min(oldestAt!, now),
    consumer,
    detail: `${consumer} has undelivered events of ${countedRepositories(repositories)}`,
    remedy:
      "see the consumer's lastError in GET /api/v1/status; if there is none, events arrive faster than the consumer accepts them",
  }));
}
