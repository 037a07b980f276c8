import { RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import { forEachInSlices, forSomeAtOnce, selectInSlices } from "../base/slices.js";
import { isWiki, repositoryIdOf } from "../base/wikis.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";

export interface HoldPorts {
  registry: Pick<Registry, "get" | "managedAmong" | "countOf" | "setState" | "recordFailure">;
  installations: Pick<Installations, "all" | "get" | "held" | "isHeld" | "hold">;
  /** Runs the function in one transaction. */
  transaction<T>(fn: () => T): T;
  now(): number;
  log: Pick<Log, "warn">;
  /** The repositories of all nodes; a node's share says little about an installation. Null: there is one node. */
  everywhere: Everywhere | null;
}

interface Everywhere {
  /** Counts those of the present list as it is. */
  countOf: Registry["countOf"];
  /** Returns since when a repository has been listed, in milliseconds since 1970; null: not known. */
  addedAt(id: number): number | null;
  /** Notes that GitHub no longer has the repository since `at`, in milliseconds since 1970. */
  leave(id: number, at: number): void;
}

/** Fewer missing repositories than this are always believed. */
const FEW = 10;
/** A fifth of an installation's repositories missing within this time counts as one mass removal. */
export const AT_ONCE_MS = 3_600_000;

/**
 * Holds repositories that GitHub no longer lists, when too many disappear at once to be believed.
 * @returns the repositories that are not held
 */
export async function holdIfTooMany(
  ports: HoldPorts,
  installationId: number,
  repositories: ManagedRepository[],
): Promise<ManagedRepository[]> {
  const [held, notHeld]: [ManagedRepository[], ManagedRepository[]] = [[], []];
  await forEachInSlices(repositories.filter(isManaged), (it) => {
    (ports.installations.isHeld(it.id) ? held : notHeld).push(it);
  });
  // A hold that was interrupted has not said so of all.
  await sayHeld(
    ports,
    installationId,
    held.filter(({ error }) => error?.code !== HELD),
  );
  // Repositories that were created and deleted within the window, such as those of tests, do not count.
  const isKnown = ({ id, addedAt }: ManagedRepository) =>
    !isWiki(id) && (ports.everywhere?.addedAt(id) ?? addedAt) < ports.now() - AT_ONCE_MS;
  const known = notHeld.filter(isKnown);
  if (known.length > 0 && isTooMany(ports, installationId, known.length))
    await hold(ports, installationId, known);
  const { isHeld } = ports.installations;
  // A wiki goes with its repository, and does not count as another one.
  const wikis = await selectInSlices(notHeld, ({ id }) => isWiki(id) && isHeld(repositoryIdOf(id)));
  await noteHeld(ports, installationId, wikis);
  return selectInSlices(notHeld, ({ id }) => !isHeld(id));
}

const HELD = "removal_held";

export const removalHeld = (installationId: number): RefreshError =>
  new RefreshError(HELD, `Held with other repositories of installation ${installationId}`);

/**
 * Counts within the installation and over all: a wrong App's key makes many small installations vanish
 * together.
 */
function isTooMany(ports: HoldPorts, installationId: number, more: number): boolean {
  const { registry, installations } = ports;
  const since = ports.now() - AT_ONCE_MS;
  const confirmedAt = installations.get(installationId)?.confirmedAt ?? 0;
  const lastConfirmedAt = Math.max(0, ...installations.all().map((it) => it.confirmedAt));
  if (ports.everywhere)
    return haveManyLeft(ports.everywhere, installationId, {
      since: Math.max(confirmedAt, since),
      ofAllSince: Math.max(lastConfirmedAt, since),
    });
  const here = registry.countOf(installationId, Math.max(confirmedAt, since));
  const everywhere = registry.countOf(null, Math.max(lastConfirmedAt, since));
  const held = installations.held(installationId)?.repositoryIds.filter((id) => !isWiki(id)).length ?? 0;
  return isManyOf(here, here.left + held + more) || isManyOf(everywhere, everywhere.left + more);
}

/**
 * Whether what is held is few by itself, of all that has left the lists since an operator confirmed a removal at `at`, in
 * milliseconds since 1970, however long ago that was.
 */
export function isFewSince(
  ports: HoldPorts,
  installationId: number,
  { held, at }: { held: number; at: number },
): boolean {
  return (
    ports.everywhere !== null &&
    !haveManyLeft(ports.everywhere, installationId, { since: at, ofAllSince: at, held })
  );
}

/** Counts in the lists of all nodes, and at least what is held. */
function haveManyLeft(
  everywhere: Everywhere,
  installationId: number,
  { since, ofAllSince, held = 0 }: { since: number; ofAllSince: number; held?: number },
): boolean {
  const counted = [everywhere.countOf(installationId, since), everywhere.countOf(null, ofAllSince)];
  return counted.some((counts) => isManyOf(counts, Math.max(counts.left, held)));
}

const isManyOf = ({ managed, left }: { managed: number; left: number }, leaving: number): boolean =>
  leaving > FEW && leaving > (managed + left) / 5;

/** Notes on each repository that its removal is held. */
const sayHeld = (
  { registry, installations, transaction }: HoldPorts,
  installationId: number,
  repositories: readonly ManagedRepository[],
): Promise<void> =>
  forSomeAtOnce(repositories, (some) =>
    transaction(() => {
      for (const { id } of some) {
        const state = registry.get(id)?.state;
        if (state === undefined || !installations.isHeld(id)) continue;
        // After the installation is gone, the held removal waits for the operator instead of the account's
        // owner.
        if (state === "suspended") registry.setState(id, "failing");
        registry.recordFailure(id, removalHeld(installationId), 0);
      }
    }),
  );

/**
 * All of them are held before any is looked at again, but for those that are no longer managed: an operator may have
 * confirmed their removal since they were read.
 * @returns those that are held
 */
async function noteHeld(
  ports: HoldPorts,
  installationId: number,
  repositories: ManagedRepository[],
): Promise<ManagedRepository[]> {
  if (repositories.length === 0) return [];
  const ids = ports.transaction(() => {
    const managed = ports.registry.managedAmong(repositories.map(({ id }) => id));
    ports.installations.hold(installationId, managed);
    return new Set(managed);
  });
  const held = repositories.filter(({ id }) => ids.has(id));
  await sayHeld(ports, installationId, held);
  return held;
}

async function hold(
  ports: HoldPorts,
  installationId: number,
  repositories: ManagedRepository[],
): Promise<void> {
  const held = await noteHeld(ports, installationId, repositories);
  if (held.length === 0) return;
  ports.log.warn(
    {
      event: "removal_held",
      installation: installationId,
      repositories: held.slice(0, 10).map(fullName),
      count: held.length,
      confirm: `POST /api/v1/installations/${installationId}/confirm-removal`,
    },
    "removal held: GitHub no longer lists many repositories of an installation",
  );
}
