import type { Disk } from "./disk.js";
import type { RefreshError } from "./errors.js";
import type { Facts } from "./facts.js";
import type { Installations, KnownInstallation } from "./installations.js";
import type { RecoveryState } from "./recovery.js";
import { formatSize } from "./units.js";

export type ProblemCode =
  | "backstop_failing"
  | "backstop_late"
  | "deliveries_unread"
  | "installation_failing"
  | "installation_suspended"
  | "removal_held"
  | "webhook_silent"
  | "disk_low";

/** Something that keeps, or may keep, mirrors from being in step, whatever their own state says. */
export interface Problem {
  code: ProblemCode;
  /** Milliseconds since 1970. */
  since: number;
  detail: string;
  remedy: string;
  installationId?: number;
}

export interface WatchPorts {
  installations: Installations;
  facts: Facts;
  disk: Disk;
  recovery(): RecoveryState;
  /** When GitHub last called the webhook, in milliseconds. */
  lastCallAt(): number | null;
  /** null: the backstop is off. */
  intervalMs: number | null;
  /** Whether GitHub is expected to call: a secret is set, and DELIVERIES is webhook. */
  expectsCalls: boolean;
  now(): number;
  log: { warn(details: object, message: string): void; info(details: object, message: string): void };
}

export interface Watch {
  problems(): Problem[];
  /** A pass of the backstop over the installations has ended. */
  passed(error: RefreshError | null): void;
  /** A push was found that no delivery told of, or one that GitHub could not deliver. */
  untold(repositoryId: number, repository: string): void;
  /** A delivery about the repository came in after all. */
  told(repositoryId: number): void;
  /** Logs what began and what ended since the last call. */
  check(): void;
  backstop(): { passedAt: number | null; error: { code: string; message: string } | null };
}

/** A delivery may be on its way while the sweep finds its push. */
const ON_ITS_WAY_MS = 60_000;
/** One lost delivery is not held against the webhook for longer. */
const FORGET_UNTOLD_MS = 24 * 3_600_000;
const UNTOLD = "webhook-untold";

type Untold = { at: number; repository: string; count: number };

export function createWatch(ports: WatchPorts): Watch {
  const { installations, facts, now } = ports;
  const startedAt = now();
  const pending = new Map<number, { at: number; repository: string }>();
  const open = new Map<string, Problem>();
  const pass: { passedAt: number | null; failedAt: number; error: RefreshError | null } = {
    ...{ passedAt: null, failedAt: 0, error: null },
  };

  const lateAfterMs = ports.intervalMs === null ? null : 2 * ports.intervalMs + 60_000;
  const isLate = (at: number | null) =>
    lateAfterMs !== null && now() - Math.max(at ?? 0, startedAt) > lateAfterMs;

  function backstop(): Problem[] {
    const { error, failedAt, passedAt } = pass;
    if (error) {
      const detail = `the App's installations could not be listed (${error.code}): ${error.message}`;
      return [{ code: "backstop_failing", since: failedAt, detail, remedy: error.hint }];
    }
    if (!isLate(passedAt)) return [];
    const detail = "no pass over the installations ended in time";
    return [{ code: "backstop_late", since: passedAt ?? startedAt, detail, remedy: "see the server's log" }];
  }

  function unread(): Problem[] {
    const { error, readAt } = ports.recovery();
    if (!error) return [];
    const detail = `the App's deliveries could not be read (${error.code}): ${error.message}`;
    return [{ code: "deliveries_unread", since: readAt ?? startedAt, detail, remedy: error.hint }];
  }

  function ofInstallation(installation: KnownInstallation): Problem[] {
    const { id: installationId, login, state, since, error, listedAt } = installation;
    const found: Problem[] = [];
    const held = installations.held(installationId);
    if (held) {
      const detail = `GitHub no longer shows ${held.repositoryIds.length} repositories of ${login} at once`;
      const remedy = `give the App access again, or POST /api/v1/installations/${installationId}/confirm-removal`;
      found.push({ code: "removal_held", since: held.heldAt, detail, remedy, installationId });
    }
    if (state === "suspended") {
      const detail = `the installation of ${login} is suspended`;
      const remedy = "unsuspend it in the account's settings, or uninstall the App there";
      found.push({ code: "installation_suspended", since, detail, remedy, installationId });
    } else if (state === "active" && error) {
      const detail = `the repositories of ${login} could not be listed (${error.code}): ${error.message}`;
      found.push({
        ...{ code: "installation_failing", since: error.at, detail, remedy: error.hint, installationId },
      });
    } else if (state === "active" && isLate(listedAt)) {
      const detail = `the repositories of ${login} were not listed in time`;
      found.push({
        ...{ code: "backstop_late", since: listedAt ?? startedAt, detail, installationId },
        remedy: "see the queue in GET /api/v1/status and the server's log",
      });
    }
    return found;
  }

  function silence(): Problem[] {
    if (!ports.expectsCalls) return [];
    for (const [id, { at, repository }] of pending) {
      if (now() - at < ON_ITS_WAY_MS) continue;
      pending.delete(id);
      const known = facts.get<Untold>(UNTOLD);
      facts.set(UNTOLD, { at, repository, count: (known?.count ?? 0) + 1 });
    }
    const untold = facts.get<Untold>(UNTOLD);
    if (!untold) return [];
    const calledAt = ports.lastCallAt();
    if ((calledAt ?? 0) > untold.at || now() - untold.at > FORGET_UNTOLD_MS) {
      facts.set(UNTOLD, null);
      return [];
    }
    const last = calledAt === null ? "never in 8 days" : `last at ${new Date(calledAt).toISOString()}`;
    const detail = `${untold.count} pushes came without a delivery, such as one to ${untold.repository}; GitHub called ${last}`;
    const remedy = "check the App's webhook URL and secret, and its recent deliveries in its settings";
    return [{ code: "webhook_silent", since: untold.at, detail, remedy }];
  }

  function space(): Problem[] {
    const { freeBytes, low } = ports.disk.state();
    if (!low) return [];
    const detail = `${formatSize(freeBytes)} are free on the disk of DATA_DIR; nothing is cloned`;
    const since = open.get("disk_low")?.since ?? now();
    return [{ code: "disk_low", since, detail, remedy: "free some space, or lower MIN_FREE_DISK" }];
  }

  const problems = () => [
    ...[...backstop(), ...unread(), ...silence(), ...space()],
    ...installations.all().flatMap(ofInstallation),
  ];

  return {
    problems,
    passed(error) {
      if (error === null) pass.passedAt = now();
      else if (!pass.error) pass.failedAt = now();
      pass.error = error;
    },
    untold(repositoryId, repository) {
      if (ports.expectsCalls && !pending.has(repositoryId))
        pending.set(repositoryId, { at: now(), repository });
    },
    told: (repositoryId) => void pending.delete(repositoryId),
    check() {
      const found = new Map(problems().map((problem) => [keyOf(problem), problem]));
      for (const [key, problem] of found) {
        if (!open.has(key)) ports.log.warn(told(problem), `problem: ${problem.code}`);
        open.set(key, problem);
      }
      for (const [key, problem] of open) {
        if (found.has(key)) continue;
        open.delete(key);
        ports.log.info(told(problem), `problem over: ${problem.code}`);
      }
    },
    backstop: () => ({
      passedAt: pass.passedAt,
      error: pass.error && { code: pass.error.code, message: pass.error.message },
    }),
  };
}

const keyOf = ({ code, installationId }: Problem) => (installationId ? `${code}:${installationId}` : code);

const told = ({ detail, remedy, installationId, since }: Problem) => ({
  ...(installationId === undefined ? {} : { installation: installationId }),
  ...{ detail, remedy, since: new Date(since).toISOString() },
});
