/**
 * What a run needs of GitHub, and may find held (GitHub asked to wait) or out (nobody is answered).
 * - rest: GitHub's REST API. `whose` is the rate limit that a call counts against: the App's, or that of the
 *   installation with this id; "everything" stands for all calls.
 * - git, lfs, submodule: the server at a host, such as github.com, that answers git, Git LFS, or git on behalf of
 *   a submodule.
 */
export type Resource =
  | { kind: "rest"; whose: "everything" | "app" | number }
  | { kind: "git" | "lfs" | "submodule"; host: string };

export type ResourceKind = Resource["kind"];

/** Names the server of a resource: an outage concerns the whole server. */
export const serverOf = (resource: Resource): string =>
  resource.kind === "rest" ? "rest" : `${resource.kind}:${resource.host}`;
