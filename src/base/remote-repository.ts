import type { RepositoryName, Visibility } from "./model.js";

/** A repository as GitHub's REST API describes it. */
export interface RemoteRepository extends RepositoryName {
  id: number;
  installationId: number;
  defaultBranch: string;
  /** Whole seconds since 1970; 0: the repository was never pushed to. */
  pushedAt: number;
  /** null: not known yet. */
  visibility: Visibility | null;
  /** null: not known yet. */
  archived: boolean | null;
  /** Whether the repository may have a wiki; undefined: no. Not stored. */
  hasWiki?: boolean;
  /** What GitHub's answer lists; undefined: not known. Topics are not stored. */
  topics?: readonly string[];
  /**
   * The custom properties that the organisation gave the repository, by name, and their values; undefined: GitHub's
   * answer did not say. Properties are not stored.
   */
  properties?: CustomProperties;
}

/** Custom properties by name, and the values of each. Nodes hand them to each other as JSON. */
export type CustomProperties = Readonly<Record<string, readonly string[]>>;

/** The custom properties of an installation's repositories, which REPOSITORIES asks for, could not be read. */
export interface UnreadProperties {
  installationId: number;
  owner: string;
  /** Since when, in milliseconds since 1970. */
  since: number;
  code: string;
  message: string;
}
