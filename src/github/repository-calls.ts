import type { RepositoryName } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { Dated } from "./rest.js";

/** The calls that find repositories and ask what they are. Every call throws RefreshError. */
export interface RepositoryCalls {
  /** Yields every repository of an installation, 100 per call; each page has GitHub's clock. */
  repositories(installationId: number): AsyncIterable<Dated<RemoteRepository[]>>;
  /** Reads one page of that list again, the first of which is 1. Past the end it is empty. */
  repositoriesOnPage(installationId: number, page: number): Promise<Dated<RemoteRepository[]>>;
  /**
   * Gets a repository by id, which survives renames. Null: the repository does not exist, or not for this
   * installation.
   */
  repository(installationId: number, id: number): Promise<Dated<RemoteRepository> | null>;
  /** Asks which name a repository has now, which costs nothing while nothing has changed. Null: as for `repository`. */
  nameOf(installationId: number, id: number): Promise<RepositoryName | null>;
  /** Gets a repository by a name that it has or had. Null: there is none, or not for this installation. */
  repositoryNamed(installationId: number, name: RepositoryName): Promise<RemoteRepository | null>;
  /** Finds the installation that a repository belongs to. Null: the repository is not visible to the App. */
  installationOf(owner: string, name: string): Promise<number | null>;
}
