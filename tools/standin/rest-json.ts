import type { Installation, Repo } from "./types.js";

export const isoSecond = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace(".000", "");

const accountJson = (login: string, id: number) => ({ login, id, type: "Organization", site_admin: false });

export const PERMISSIONS = { contents: "read", metadata: "read" };

/** The permissions and events of the App, or of an installation of it. */
export interface Rights {
  permissions: Record<string, string>;
  events: string[];
}

export const usualRights = (): Rights => ({
  permissions: { ...PERMISSIONS },
  events: ["push", "repository"],
});

export function installationJson(installation: Installation, appId: number, rights = usualRights()) {
  return {
    id: installation.id,
    app_id: appId,
    app_slug: "lockstep",
    account: accountJson(installation.login, installation.accountId),
    target_id: installation.accountId,
    target_type: "Organization",
    repository_selection: installation.selection,
    ...rights,
    suspended_at: installation.suspendedAt,
    suspended_by: installation.suspendedAt ? accountJson(installation.login, installation.accountId) : null,
  };
}

/** As the organisation's list has them. */
export const propertiesJson = (repo: Repo) => ({
  repository_id: repo.id,
  repository_name: repo.name,
  repository_full_name: `${repo.owner}/${repo.name}`,
  properties: Object.entries(repo.properties).map(([property_name, value]) => ({ property_name, value })),
});

export function repositoryJson(repo: Repo, origin: string) {
  const name = `${repo.owner}/${repo.name}`;
  return {
    id: repo.id,
    node_id: `R_${repo.id}`,
    name: repo.name,
    full_name: name,
    owner: accountJson(repo.owner, repo.installation?.accountId ?? 0),
    private: repo.private,
    visibility: repo.private ? "private" : "public",
    fork: false,
    default_branch: repo.defaultBranch,
    pushed_at: isoSecond(repo.pushedAt),
    archived: repo.archived,
    has_wiki: repo.hasWiki,
    topics: repo.topics,
    custom_properties: repo.properties,
    disabled: false,
    size: 1,
    html_url: `${origin}/${name}`,
    clone_url: `${origin}/${name}.git`,
    url: `${origin}/api/v3/repos/${name}`,
  };
}
