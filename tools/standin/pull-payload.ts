import type { Json } from "./examples.js";
import { repositoryFor } from "./payload.js";
import { isoSecond } from "./rest-json.js";
import type { PullRequest, Repo } from "./types.js";

const CONTRIBUTOR = "contributor";

/** The `pull_request` of a webhook. */
export function pullRequestFor(pull: PullRequest, payload: Json, origin: string): Json {
  const example = payload.pull_request as Json;
  const { repo, number } = pull;
  const isClosed = pull.state === "closed";
  const updated = isoSecond(pull.updatedAt);
  const base = repositoryFor(repo, payload.repository as Json, origin);
  const head = pull.fromFork ? forkOf(repo, base, origin) : base;
  return {
    ...example,
    id: pull.id,
    node_id: `PR_${pull.id}`,
    number,
    url: `${origin}/api/v3/repos/${repo.owner}/${repo.name}/pulls/${number}`,
    html_url: `${origin}/${repo.owner}/${repo.name}/pull/${number}`,
    state: pull.state,
    title: `Pull request ${number}`,
    created_at: isoSecond(pull.createdAt),
    updated_at: updated,
    closed_at: isClosed ? updated : null,
    merged_at: isClosed && pull.merged ? updated : null,
    merged: pull.merged,
    merge_commit_sha: null,
    head: sideOf(pull.headRef, pull.head, head),
    base: sideOf(pull.baseRef, pull.baseSha, base),
  };
}

function sideOf(ref: string, sha: string, repository: Json): Json {
  const owner = repository.owner as { login: string };
  const dated = { ...repository, pushed_at: isoSecond(repository.pushed_at as number) };
  return { label: `${owner.login}:${ref}`, ref, sha, user: owner, repo: dated };
}

function forkOf(repo: Repo, base: Json, origin: string): Json {
  const owner = { ...(base.owner as Json), login: CONTRIBUTOR, name: CONTRIBUTOR, id: 1, type: "User" };
  const fullName = `${CONTRIBUTOR}/${repo.name}`;
  return {
    ...base,
    id: repo.id + 1_000_000_000,
    node_id: `R_${repo.id + 1_000_000_000}`,
    owner,
    fork: true,
    full_name: fullName,
    html_url: `${origin}/${fullName}`,
    clone_url: `${origin}/${fullName}.git`,
  };
}
