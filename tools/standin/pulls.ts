import type { Changes } from "./changes.js";
import type { NewCommit } from "./commit-object.js";
import { type PullRequest, type Repo, ZERO } from "./types.js";
import type { World } from "./world.js";

export interface NewHead extends Pick<NewCommit, "files" | "message"> {
  /** A commit that is there already; default a new one. */
  at?: string;
  /** Not on top of the head before, as after a rebase. */
  force?: boolean;
}

export interface NewPullRequest extends Omit<NewHead, "force"> {
  /** The repository's own branch it comes from; default a branch of a contributor's fork. */
  branch?: string;
  /** Default the default branch. */
  base?: string;
}

/** Pull requests. GitHub keeps refs/pull/N/head for each, for good, and no push event reports it. */
export class Pulls {
  readonly #lastNumber = new Map<number, number>();

  constructor(
    private readonly world: World,
    private readonly changes: Changes,
  ) {}

  async open(repo: Repo, { branch, base, ...what }: NewPullRequest = {}): Promise<PullRequest> {
    const number = (this.#lastNumber.get(repo.id) ?? 0) + 1;
    this.#lastNumber.set(repo.id, number);
    const baseRef = base ?? repo.defaultBranch;
    const baseSha = await this.changes.resolve(repo, `refs/heads/${baseRef}`);
    const at = what.at ?? (branch === undefined ? undefined : `refs/heads/${branch}`);
    const head = await this.#write(repo, number, baseSha, { ...what, ...(at ? { at } : {}) });
    const now = this.world.tick();
    return {
      repo,
      number,
      id: this.world.nextId(),
      baseRef,
      baseSha,
      head,
      headRef: branch ?? `patch-${number}`,
      fromFork: branch === undefined,
      before: ZERO,
      state: "open",
      merged: false,
      createdAt: now,
      updatedAt: now,
    };
  }

  /** Its head moves: by default to a new commit on top. */
  async update(pull: PullRequest, { force, ...what }: NewHead = {}): Promise<PullRequest> {
    const before = await this.changes.tip(pull.repo, refOf(pull.number));
    const head = await this.#write(pull.repo, pull.number, force ? pull.baseSha : before, what);
    return { ...pull, before, head, updatedAt: this.world.tick() };
  }

  /** Closed or reopened; its ref stays. */
  setState(pull: PullRequest, state: PullRequest["state"], merged = false): PullRequest {
    return { ...pull, state, merged, updatedAt: this.world.tick() };
  }

  async #write(repo: Repo, number: number, parent: string, what: Omit<NewHead, "force">): Promise<string> {
    const message = what.message ?? `Work on pull request ${number}`;
    const files = what.files ? { files: what.files } : {};
    const commit = what.at ?? (await this.changes.commitObject(repo, { parent, message, ...files }));
    return (await this.changes.writeRef(repo, refOf(number), commit)).after;
  }
}

const refOf = (number: number): string => `refs/pull/${number}/head`;
