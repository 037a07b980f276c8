import { asRefreshError, type RefreshError } from "../base/errors.js";
import { mapInSlices } from "../base/slices.js";
import type { GitHub } from "../github/api.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import { applyRemote } from "./apply-remote.js";
import type { ListPages } from "./list-pages.js";
import { isJustNamed } from "./membership.js";
import type { Removal } from "./removal.js";
import { type RepositoryPorts, reconcileRepository } from "./repository.js";
import { suspendInstallation } from "./suspend.js";

export type InstallationPorts = RepositoryPorts & {
  github: Pick<GitHub, "repositories" | "loginOf">;
  registry: Pick<Registry, "idsOfInstallation">;
  installations: Pick<Installations, "get" | "listed" | "failed">;
  removal: Pick<Removal, "holdIfTooMany">;
  pages: Pick<ListPages, "note">;
};

/**
 * @throws RefreshError when the repositories cannot be listed; those listed before the failure are applied
 */
export async function reconcileInstallation(ports: InstallationPorts, id: number): Promise<void> {
  const { registry, installations } = ports;
  const askedAt = ports.now();
  let list: Awaited<ReturnType<typeof applyList>>;
  try {
    list = await applyList(ports, id, askedAt);
  } catch (error) {
    return handleUnlistable(ports, id, asRefreshError(error));
  }
  // The repositories of an installation have one owner, the account; a pass of the backstop asks for its name, too.
  const login = list.owner ?? (await findLogin(ports, id));
  if (installations.note(id, "active", login))
    ports.log.info({ event: "installation_active", installation: id }, "installation is back");
  const { seen } = list;
  installations.listed(id, list.askedAt);
  // A repository that a delivery has just named has its own request, so it is not missing yet.
  const isMissing = (it: ManagedRepository) => isManaged(it) && !seen.has(it.id) && !isJustNamed(ports, it);
  // Rows are read only of repositories that were not listed: ten thousand rows take a tenth of a second.
  const unlisted = registry.idsOfInstallation(id).filter((one) => !seen.has(one));
  const rows = await mapInSlices(unlisted, registry.get);
  await reconcileMissing(ports, id, rows.filter((row) => row !== null).filter(isMissing));
}

/** Without a repository only the installation itself has the account's name. The next pass reads it after a failure. */
async function findLogin({ github, installations }: InstallationPorts, id: number): Promise<string | null> {
  return installations.get(id)?.login ? null : github.loginOf(id).catch(() => null);
}

/**
 * @returns the ids of all repositories that GitHub lists, their owner (null: there is none), and when GitHub was first
 * asked, which may be before `begunAt`
 */
async function applyList(ports: InstallationPorts, id: number, begunAt: number) {
  const seen = new Set<number>();
  let firstAskedAt = begunAt;
  let owner: string | null = null;
  let page = 0;
  for await (const { value, at, askedAt } of ports.github.repositories(id)) {
    firstAskedAt = Math.min(firstAskedAt, askedAt);
    owner ??= value[0]?.owner ?? null;
    page += 1;
    ports.store.transaction(() => {
      for (const remote of value) {
        seen.add(remote.id);
        const applied = applyRemote(ports, { value: remote, at, askedAt }, { requestsRefresh: true });
        if (applied?.state === "onboarding") ports.pages.note(remote.id, { installationId: id, page });
      }
    });
  }
  return { seen, owner, askedAt: firstAskedAt };
}

async function handleUnlistable(ports: InstallationPorts, id: number, error: RefreshError): Promise<void> {
  const { registry, installations, removal } = ports;
  if (error.code === "suspended") {
    return suspendInstallation(ports, id, null);
  }
  if (error.code !== "not_found") {
    installations.failed(id, error);
    throw error;
  }
  if (installations.note(id, "gone", null))
    ports.log.warn({ event: "installation_gone", installation: id }, "installation is gone");
  const rows = await mapInSlices(registry.idsOfInstallation(id), registry.get);
  await removal.handleMissing(
    id,
    rows.filter((row) => row !== null),
  );
}

/**
 * Asks by id for each repository missing from the list, unless too many are missing; lists shift while they
 * are paged.
 */
async function reconcileMissing(
  ports: InstallationPorts,
  installationId: number,
  repositories: ManagedRepository[],
): Promise<void> {
  const failed: unknown[] = [];
  for (const { id } of await ports.removal.holdIfTooMany(installationId, repositories))
    await reconcileRepository(ports, id, { requestsRefresh: true, mayHaveLeft: true }).catch(
      (error: unknown) => failed.push(error),
    );
  if (failed.length > 0) throw failed[0];
}
