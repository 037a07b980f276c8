import { asRefreshError, explained, RefreshError } from "../base/errors.js";
import { fullName } from "../base/names.js";
import type { Layout } from "../git/disk/layout.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { Target } from "../git/transport/upstream.js";
import type { ContentStore } from "../git/tree/content-store.js";
import type { Submodule } from "../git/tree/gitmodules.js";
import { isManaged, type Registry } from "../registry/repositories.js";
import { repositoryOf } from "./submodule-url.js";

/** SUBMODULES_FROM lists repositories outside the installation. */
export interface SubmodulesFrom {
  allows(fullName: string): boolean;
  refuses(fullName: string): boolean;
}

export interface SubmoduleTools {
  gateway: Pick<Gateway, "open">;
  registry: Pick<Registry, "find">;
  layout: Layout;
  /** The origin of GitHub, such as https://github.com. */
  gitUrl: string;
  submodulesFrom: SubmodulesFrom;
  /** Returns the installation of that account; null when the account has not installed the App. */
  installationOf(login: string): number | null;
  /** Whether a mirror of the repository is here, including all file contents. */
  isSource(id: number): boolean;
  /** @throws RefreshError `disk_low` */
  requireSpace(): void;
}

/** The repository whose .gitmodules is read. */
export interface Parent extends Target {
  /**
   * Whether the repository, and every repository on the way to it, belongs to the published repository's
   * installation.
   */
  isOfInstallation: boolean;
}

/** The source of a submodule's commit. */
interface Origin extends Parent {
  /** The mirror of the submodule's repository on this server, which costs no network. */
  mirror: string | null;
}

/** Decides which repositories a submodule may come from, and fetches its commit. */
export function createSubmodules(tools: SubmoduleTools) {
  const { registry, submodulesFrom } = tools;

  /** @throws RefreshError `submodule_refused` */
  function origin(submodule: Submodule, parent: Parent, root: Target): Origin {
    const refused = (why: string) => new RefreshError("submodule_refused", `${labelOf(submodule)}: ${why}`);
    const found = repositoryOf(submodule.url, parent, tools.gitUrl);
    if (!found) throw refused(`its URL is not a repository on ${new URL(tools.gitUrl).host}`);
    const name = fullName(found);
    const known = registry.find(found);
    const managed = known && isManaged(known) && known.state !== "suspended" ? known : null;
    // Submodules of a repository outside the installation were chosen by a stranger, so SUBMODULES_FROM must
    // list them.
    const isOfInstallation =
      parent.isOfInstallation &&
      (managed ? managed.installationId === root.installationId : sameLogin(found.owner, root.owner));
    if (submodulesFrom.refuses(name)) throw refused(`SUBMODULES_FROM excludes ${name}`);
    if (!isOfInstallation && !submodulesFrom.allows(name))
      throw refused(`SUBMODULES_FROM does not include ${name}`);
    const installationId = isOfInstallation
      ? root.installationId
      : (managed?.installationId ?? tools.installationOf(found.owner));
    const mirror = managed && tools.isSource(managed.id) ? tools.layout.mirror(managed.id) : null;
    return { ...found, installationId, isOfInstallation, mirror };
  }

  /** Fetches the submodule's commit into the store. @throws RefreshError that names the submodule */
  async function fetchCommit(store: ContentStore, submodule: Submodule, from: Origin): Promise<void> {
    if (store.has(submodule.commit)) return;
    tools.requireSpace();
    if (from.mirror !== null && (await isInStore(store, submodule.commit, from.mirror))) return;
    const lease = tools.gateway.open(from);
    try {
      await store.fetch(submodule.commit, lease);
    } catch (error) {
      throw failureOf(asRefreshError(error), submodule, from);
    } finally {
      lease.close();
    }
  }

  /** GitHub is asked when the mirror is behind or just being replaced. */
  const isInStore = (store: ContentStore, commit: string, mirror: string): Promise<boolean> =>
    store.fetch(commit, mirror).then(
      () => true,
      (error) => {
        if (asRefreshError(error).code === "cancelled") throw error;
        return false;
      },
    );

  return { origin, fetch: fetchCommit };
}

export type Submodules = ReturnType<typeof createSubmodules>;

function failureOf(error: RefreshError, submodule: Submodule, from: Origin): RefreshError {
  const { code } = error;
  const name = fullName(from);
  const what = `${labelOf(submodule)} (${name} at ${submodule.commit})`;
  if (code === "not_yet")
    return new RefreshError("submodule_missing", `${what}: GitHub has no such commit`, { cause: error });
  if (error.is("notVisible") || (code === "unauthorized" && from.installationId === null)) {
    const how = code === "moved" ? "has a different name at GitHub" : "is not visible to the App";
    return new RefreshError("submodule_refused", `${what}: ${name} ${how}`, { cause: error });
  }
  // The failure holds or delays what needs the submodule, not the repository's own refresh.
  const { resource } = error;
  if (resource?.kind !== "git") return explained(error, what);
  return explained(error, what, { resource: { kind: "submodule", host: resource.host } });
}

const sameLogin = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const labelOf = ({ path }: Submodule): string => `submodule ${JSON.stringify(path)}`;
