import type { Log } from "../base/log.js";
import { nextTurn } from "../base/slices.js";
import { isWiki } from "../base/wikis.js";
import type { BootChecks } from "../registry/boot-checks.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";

export interface AfterBootPorts {
  checks: BootChecks;
  registry: Pick<Registry, "all" | "get" | "setState" | "recheckAll">;
  /** Requests a refresh that compares every ref. */
  request(repository: ManagedRepository): void;
  /**
   * Returns for how long a comparison of the repository has gone on, or a refresh that a comparison follows, in
   * milliseconds; null: there is none.
   */
  comparingMs(id: number): number | null;
  /** Returns how many REST calls an installation may make in an hour, by GitHub's last answer; null: unknown. */
  hourlyCalls(installationId: number): number | null;
  /** Writes everything in the callback, or nothing. */
  transaction<T>(fn: () => T): T;
  log: Pick<Log, "warn">;
}

/** GitHub's smallest limit for an installation, in calls an hour. */
const LEAST_HOURLY_CALLS = 5_000;
/** A comparison asks twice for the repository's name: before and after git's answer. */
const CALLS_OF_A_COMPARISON = 2;
/** Pushes, lists and names need the other half of the limit. */
const SHARE = 1 / 2;
const TURNS_AN_HOUR = 60;

/** Other work gets a turn after this many repositories. */
const AT_A_TIME = 100;

/** A turn of `requestSome` comes each minute. */
export const TURN_MS = 60_000;

/**
 * Doubts every mirror, because the machine was started since Lockstep last ran: what was written then may not
 * have reached the disk.
 */
export function doubtMirrors(ports: AfterBootPorts): void {
  const { checks, registry, log } = ports;
  const repositories = registry.all().filter(({ state }) => state !== "retired");
  if (repositories.length === 0) return;
  ports.transaction(() => {
    checks.doubt(repositories.map(({ id }) => id));
    registry.recheckAll();
    for (const { id, state } of repositories)
      if (state === "fresh" || state === "incomplete") registry.setState(id, "behind");
  });
  log.warn(
    { event: "machine_restarted", mirrors: repositories.length },
    "the machine was restarted; Lockstep inspects every mirror and compares it with GitHub",
  );
}

/** Requests the next comparisons: of each installation as many as half of its REST calls allow in a minute. */
export async function requestSome(ports: AfterBootPorts): Promise<void> {
  const ids = ports.checks.unrequested();
  const left = new Map<number, number>();
  for (let n = 0; n < ids.length; n += AT_A_TIME) {
    const some = ids.slice(n, n + AT_A_TIME);
    try {
      ports.transaction(() => {
        for (const id of some) requestInTurn(ports, id, left);
      });
    } catch (error) {
      ports.log.warn(
        { event: "comparison_not_requested", err: error },
        "comparisons could not be requested; the next turn tries again",
      );
      return;
    }
    await nextTurn();
  }
}

/** @param left how many comparisons each installation may still have in this turn */
function requestInTurn(ports: AfterBootPorts, id: number, left: Map<number, number>): void {
  const { checks, registry } = ports;
  const repository = registry.get(id);
  if (!repository || !needsComparison(ports, repository)) {
    checks.requested(id);
    return;
  }
  const { installationId } = repository;
  const rest = left.get(installationId) ?? turnsQuota(ports.hourlyCalls(installationId));
  left.set(installationId, rest - 1);
  if (rest <= 0) return;
  ports.request(repository);
  checks.requested(id);
}

/**
 * A repository that is not refreshed now is compared once it is refreshed again. Whoever asked for a comparison since
 * the restart has asked for this one, too.
 */
function needsComparison({ comparingMs }: AfterBootPorts, repository: ManagedRepository): boolean {
  const { id, state, recheck } = repository;
  return isManaged(repository) && state !== "suspended" && recheck && comparingMs(id) === null;
}

/** Returns how many comparisons of one installation a turn requests. Pure. */
export const turnsQuota = (hourlyCalls: number | null): number =>
  Math.max(
    1,
    Math.floor(((hourlyCalls ?? LEAST_HOURLY_CALLS) * SHARE) / CALLS_OF_A_COMPARISON / TURNS_AN_HOUR),
  );

/**
 * Whether a pass leaves the comparison of this repository to its turn: it is doubted only because the machine
 * was restarted.
 */
export function waitsForTurn(ports: AfterBootPorts, id: number): boolean {
  if (!ports.checks.needsRequest(id)) return false;
  const repository = ports.registry.get(id);
  return (
    repository !== null &&
    repository.state === "behind" &&
    (repository.pushedAt <= repository.settledPushedAt || isWiki(id))
  );
}
