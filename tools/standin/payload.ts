import { exampleOf, type Json } from "./examples.js";
import type { Commit, Installation, Push, Repo } from "./types.js";
import { ZERO } from "./types.js";

/** The payload of a push as GitHub sends it. */
export function payloadFor(push: Push, origin: string): Json {
  const { repo, ref, before, after, created, deleted, forced } = push;
  const payload = exampleOf("push");
  const commits = push.commits.map((commit) => commitJson(commit, repo, origin));
  const compare = `${origin}/${repo.owner}/${repo.name}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`;
  return {
    ...payload,
    ref,
    before,
    after,
    created,
    deleted,
    forced,
    compare,
    base_ref: null,
    commits,
    head_commit: after === ZERO ? null : (commits.at(-1) ?? null),
    repository: { ...repositoryFor(repo, payload.repository as Json, origin), pushed_at: push.pushedAt },
    ...(repo.installation ? { installation: installationFor(repo.installation) } : {}),
  };
}

/** Returns the repository as webhooks describe it; unlike REST, a push has `pushed_at` as a number. */
export function repositoryFor(repo: Repo, example: Json, origin: string): Json {
  const fullName = `${repo.owner}/${repo.name}`;
  const owner = example.owner as Json;
  return {
    ...example,
    id: repo.id,
    node_id: `R_${repo.id}`,
    name: repo.name,
    full_name: fullName,
    private: repo.private,
    visibility: repo.private ? "private" : "public",
    owner: {
      ...owner,
      name: repo.owner,
      login: repo.owner,
      id: repo.installation?.accountId ?? owner.id,
      type: "Organization",
    },
    html_url: `${origin}/${fullName}`,
    url: `${origin}/${fullName}`,
    clone_url: `${origin}/${fullName}.git`,
    archived: repo.archived,
    has_wiki: repo.hasWiki,
    default_branch: repo.defaultBranch,
    master_branch: repo.defaultBranch,
    pushed_at: repo.pushedAt,
  };
}

export const installationFor = ({ id }: Installation): Json => ({
  id,
  node_id: Buffer.from(`023:IntegrationInstallation${id}`).toString("base64"),
});

function commitJson({ id, message, files }: Commit, repo: Repo, origin: string): Json {
  const person = { name: "Mona", email: "mona@example.com", username: "mona" };
  return {
    id,
    tree_id: id,
    distinct: true,
    message,
    timestamp: new Date().toISOString(),
    url: `${origin}/${repo.owner}/${repo.name}/commit/${id}`,
    author: person,
    committer: person,
    added: [],
    removed: [],
    modified: files,
  };
}

/** Overrides deep inside a payload; arrays are replaced whole. */
export function merged(base: Json, over: Json): Json {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = isObject(value) && isObject(result[key]);
    result[key] = both ? merged(result[key] as Json, value) : value;
  }
  return result;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
