/** "Object name of nothing": a ref that does not exist (githooks(5)). */
export const ZERO = "0".repeat(40);

export interface Installation {
  readonly id: number;
  login: string;
  readonly accountId: number;
  selection: "all" | "selected";
  suspendedAt: string | null;
}

export interface Repo {
  readonly id: number;
  /** The bare repository on disk. */
  readonly dir: string;
  owner: string;
  name: string;
  defaultBranch: string;
  installation: Installation | null;
  /** Whole seconds since 1970, as GitHub counts. */
  pushedAt: number;
  archived: boolean;
  /** What is public, every installation can read. */
  private: boolean;
  topics: string[];
  /** Custom properties that are set: a text, or several of a property that takes several. */
  properties: Record<string, string | string[]>;
  /** Whether the owner lets the repository have a wiki; GitHub's default is yes. */
  hasWiki: boolean;
}

/** One edit of a wiki's pages, as its delivery reports the edit. */
export interface WikiEdit {
  /** The repository that has the wiki. */
  repo: Repo;
  wiki: Repo;
  pages: { name: string; action: "created" | "edited"; sha: string }[];
}

/** A pull request as it was at one time. */
export interface PullRequest {
  readonly repo: Repo;
  readonly number: number;
  readonly id: number;
  /** The branch it comes from, in a contributor's fork or in the repository itself. */
  readonly headRef: string;
  readonly fromFork: boolean;
  readonly baseRef: string;
  readonly baseSha: string;
  /** What refs/pull/N/head was before it last moved; ZERO for a new one. */
  readonly before: string;
  readonly head: string;
  readonly state: "open" | "closed";
  readonly merged: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface RefUpdate {
  ref: string;
  before: string;
  after: string;
}

export interface Commit {
  id: string;
  message: string;
  files: string[];
}

/** One ref that a git push changed; GitHub sends one delivery for each. */
export interface Push extends RefUpdate {
  repo: Repo;
  pushedAt: number;
  forced: boolean;
  created: boolean;
  deleted: boolean;
  commits: Commit[];
}

export interface Call {
  method: string;
  path: string;
  status: number;
}

export interface GitRequest extends Call {
  protocol: "advert" | "ls-refs" | "fetch" | "other";
  /** Counts TCP connections from 1. */
  connection: number;
}

export interface Events {
  /** A REST call was answered. */
  call: [Call];
  /** A git request came in; its status is still 0. */
  "git-start": [GitRequest];
  /** A git request was answered, or its connection ended. */
  git: [GitRequest];
}

export interface StandInOptions {
  /** Where everything is kept, and left behind; default a temporary directory that `close` removes. */
  dir?: string;
  tls?: { key: string | Buffer; cert: string | Buffer };
  appId?: number;
  webhookSecret?: string;
  /** PEM; default a new RSA key. */
  privateKey?: string;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface AppIdentity {
  appId: number;
  privateKey: string;
  webhookSecret: string;
}
