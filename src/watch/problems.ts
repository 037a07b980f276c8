import { formatSize, iso } from "../base/units.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { HeldRemoval, KnownInstallation } from "../registry/installations.js";

export const PROBLEM_CODES = [
  "backstop_failing",
  "backstop_late",
  "consumer_behind",
  "deliveries_unread",
  "disk_low",
  "installation_failing",
  "installation_suspended",
  "push_never_shown",
  "removal_held",
  "webhook_silent",
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** A condition that keeps, or may keep, mirrors from being in step, whatever their own state is. */
export interface Problem {
  code: ProblemCode;
  /** The start of the problem, in milliseconds since 1970. */
  since: number;
  detail: string;
  remedy: string;
  installationId?: number;
  consumer?: string;
}

interface Pass {
  passedAt: number | null;
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

/** Reports the latest pushes that no delivery reported. */
export type MissedPushes = { at: number; repository: string; count: number };

const SILENT = {
  webhook: {
    calls: "the webhook calls from GitHub",
    remedy: "check the App's webhook URL and secret, and its recent deliveries in its settings",
  },
  pull: {
    calls: "the deliveries in GitHub's log",
    remedy:
      "activate the App's webhook and give it a URL, such as https://lockstep.invalid/: GitHub logs only what it tries to deliver",
  },
};

/** @param deliveredAt when a delivery last arrived; null when none did in 8 days */
export function silenceProblems(
  { at, repository, count }: MissedPushes,
  deliveredAt: number | null,
  deliverySource: "webhook" | "pull",
): Problem[] {
  const { calls, remedy } = SILENT[deliverySource];
  const last = deliveredAt === null ? "there were none in 8 days" : `the last one was at ${iso(deliveredAt)}`;
  const what = count === 1 ? "1 push was received" : `${count} pushes were received`;
  const detail = `${what} without a delivery, such as one to ${repository}; of ${calls} ${last}`;
  return [{ code: "webhook_silent", since: at, detail, remedy }];
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
  const late = consumers.filter(({ oldestAt }) => oldestAt !== null && now - oldestAt > BEHIND_AFTER_MS);
  return late.map(({ consumer, repositories, oldestAt }) => ({
    code: "consumer_behind",
    since: oldestAt!,
    consumer,
    detail: `${consumer} has undelivered events of ${repositories} repositories`,
    remedy:
      "see the consumer's lastError in GET /api/v1/status; if there is none, events arrive faster than the consumer accepts them",
  }));
}

export function diskProblems(disk: { freeBytes: number; low: boolean }, since: number): Problem[] {
  if (!disk.low) return [];
  const detail = `${formatSize(disk.freeBytes)} are free on the disk of DATA_DIR; nothing is cloned`;
  return [{ code: "disk_low", since, detail, remedy: "free some space, or lower MIN_FREE_DISK" }];
}
