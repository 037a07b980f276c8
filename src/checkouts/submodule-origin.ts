import { asRefreshError, explained, RefreshError } from "../base/errors.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Layout } from "../git/disk/layout.js";
import type { Target } from "../git/transport/upstream.js";
import type { Submodule } from "../git/tree/gitmodules.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import { repositoryOf } from "./submodule-url.js";

/** SUBMODULES_FROM lists repositories outside the installation. */
export interface SubmodulesFrom {
  allows(fullName: string): boolean;
  refuses(fullName: string): boolean;
}

export interface OriginTools {
  registry: Pick<Registry, "find" | "get">;
  layout: Layout;
  /** The origin of GitHub, such as https://github.com. */
  gitUrl: string;
  submodulesFrom: SubmodulesFrom;
  /** Returns the installation of that account; null when the account has not installed the App. */
  installationOf(login: string): number | null;
  /** Whether a mirror of the repository is here, including all file contents. */
  isSource(id: number): boolean;
  /**
   * Asks GitHub for the repository that has a name, or had the name before it was renamed; null: an installation
   * sees no such repository.
   */
  repositoryNamed(
    installationId: number,
    name: RepositoryName,
  ): Promise<(RepositoryName & { id: number }) | null>;
}

/** The repository whose .gitmodules is read. */
export interface Parent extends Target {
  /** The repository's name in the URL that leads to it, where relative URLs start. */
  written: RepositoryName;
  /**
   * Whether the repository, and every repository on the way to it, belongs to the published repository's
   * installation.
   */
  isOfInstallation: boolean;
}

/** The source of a submodule's commit. */
export interface Origin extends Parent {
  submodule: Submodule;
  /** The repository whose .gitmodules names the submodule. */
  parent: Parent;
  /** The mirror of the submodule's repository on this server, which costs no network. */
  mirror: string | null;
}

interface Link {
  submodule: Submodule;
  parent: Parent;
  /** The published repository. */
  root: Target;
}

/** Finds the repository that the submodule's URL names. @throws RefreshError `submodule_refused` */
export function findOrigin(tools: OriginTools, link: Link): Origin {
  const { submodule, parent } = link;
  const found = repositoryOf(submodule.url, parent.written, tools.gitUrl);
  if (!found) throw refusal(submodule, `its URL is not a repository on ${new URL(tools.gitUrl).host}`);
  return judge(tools, link, found, { written: found, known: tools.registry.find(found) });
}

/**
 * Follows a renamed repository, as git follows GitHub's redirect. GitHub names the repository's id, by which a
 * mirror of this server is found; what SUBMODULES_FROM says holds for both names.
 * @param moved GitHub's answer under the former name
 * @throws RefreshError `submodule_refused`
 */
export async function followRename(
  tools: OriginTools,
  { submodule, parent, written, owner, name }: Origin,
  root: Target,
  moved: RefreshError,
): Promise<Origin> {
  const { installationId } = root;
  const ask = async () => installationId && tools.repositoryNamed(installationId, { owner, name });
  const asked = await ask().catch((error: unknown) => {
    throw explained(asRefreshError(error), `${labelOf(submodule)} (${owner}/${name})`);
  });
  if (!asked || fullName(asked).toLowerCase() === `${owner}/${name}`.toLowerCase())
    throw refusal(submodule, `${owner}/${name} has a different name at GitHub`, moved);
  return judge(tools, { submodule, parent, root }, asked, { written, known: tools.registry.get(asked.id) });
}

/** Decides whether the submodule may come from a repository. @throws RefreshError `submodule_refused` */
function judge(
  { submodulesFrom, layout, isSource, installationOf }: OriginTools,
  { submodule, parent, root }: Link,
  found: RepositoryName,
  { written, known }: { written: RepositoryName; known: ReturnType<Registry["get"]> },
): Origin {
  const managed = isUsable(known) ? known : null;
  const name = fullName(found);
  // Submodules of a repository outside the installation were chosen by a stranger, so SUBMODULES_FROM must list
  // them.
  const isOfInstallation =
    parent.isOfInstallation &&
    (managed ? managed.installationId === root.installationId : sameLogin(found.owner, root.owner));
  if (submodulesFrom.refuses(name)) throw refusal(submodule, `SUBMODULES_FROM excludes ${name}`);
  if (!isOfInstallation && !submodulesFrom.allows(name))
    throw refusal(submodule, `SUBMODULES_FROM does not include ${name}`);
  const installationId = isOfInstallation
    ? root.installationId
    : (managed?.installationId ?? installationOf(found.owner));
  const mirror = managed && isSource(managed.id) ? layout.mirror(managed.id) : null;
  const { owner, name: ownName } = found;
  return { owner, name: ownName, installationId, isOfInstallation, mirror, written, submodule, parent };
}

const isUsable = (known: ReturnType<Registry["get"]>): known is ManagedRepository =>
  known !== null && isManaged(known) && known.state !== "suspended";

export const refusal = (submodule: Submodule, why: string, cause?: RefreshError) =>
  new RefreshError("submodule_refused", `${labelOf(submodule)}: ${why}`, cause ? { cause } : {});

const sameLogin = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export const labelOf = ({ path }: Submodule): string => `submodule ${JSON.stringify(path)}`;
