import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { commitObject, type NewCommit, someChange } from "./commit-object.js";
import type { Git } from "./git.js";
import { type Commit, type Push, type RefUpdate, type Repo, ZERO } from "./types.js";
import type { World } from "./world.js";

const branchRef = (branch: string): string => `refs/heads/${branch}`;

/**
 * Makes changes on GitHub's side. Each method returns what the change's delivery would report, and sends
 * nothing.
 */
export class Changes {
  readonly #last = new Map<number, Promise<unknown>>();

  constructor(
    private readonly world: World,
    private readonly git: Git,
  ) {}

  /** A commit on a branch, which starts at the default branch when it is new. */
  commit(repo: Repo, branch: string, what: Omit<NewCommit, "parent"> = {}): Promise<Push> {
    return this.#inTurn(repo, async () => {
      const ref = branchRef(branch);
      const before = await this.tip(repo, ref);
      const parent = before === ZERO ? await this.tip(repo, branchRef(repo.defaultBranch)) : before;
      const files = what.files ?? someChange();
      const message = what.message ?? `Change ${branch}`;
      const after = await this.commitObject(repo, { parent, message, files });
      const commits = [{ id: after, message, files: Object.keys(files) }];
      const [push] = await this.#write(repo, [{ ref, before, after, forced: false, commits }]);
      return push!;
    });
  }

  /** A commit that no ref points at yet. */
  commitObject(repo: Repo, commit: NewCommit = {}): Promise<string> {
    return commitObject(this.git, repo, { ...commit, files: commit.files ?? someChange() });
  }

  forcePush(repo: Repo, branch: string, to: string | { orphan: true }): Promise<Push> {
    return this.#inTurn(repo, async () => {
      const after =
        typeof to === "string"
          ? await this.resolve(repo, to)
          : await this.commitObject(repo, { message: "Start again" });
      return this.#move(repo, branchRef(branch), after);
    });
  }

  /** @param ref a full name, `refs/heads/…` or `refs/tags/…`. */
  deleteRef(repo: Repo, ref: string): Promise<Push> {
    return this.#inTurn(repo, () => this.#move(repo, ref, ZERO));
  }

  createBranch(repo: Repo, name: string, at?: string): Promise<Push> {
    return this.#inTurn(repo, async () => {
      const after = await this.resolve(repo, at ?? branchRef(repo.defaultBranch));
      return this.#move(repo, branchRef(name), after);
    });
  }

  createTag(repo: Repo, name: string, options: { annotated?: boolean; at?: string } = {}): Promise<Push> {
    return this.#inTurn(repo, async () => {
      const at = await this.resolve(repo, options.at ?? branchRef(repo.defaultBranch));
      const after = options.annotated ? await this.#tagObject(repo, name, at) : at;
      return this.#move(repo, `refs/tags/${name}`, after);
    });
  }

  /** One git push of several refs: all or none. */
  updateRefs(repo: Repo, changes: RefUpdate[]): Promise<Push[]> {
    return this.#inTurn(repo, async () => {
      const updates = [];
      for (const change of changes) updates.push({ ...change, forced: await this.#isForced(repo, change) });
      return this.#write(repo, updates);
    });
  }

  /**
   * Makes, moves or deletes (with ZERO) any ref, without any delivery: no push is reported, and the
   * repository's `pushed_at` stays.
   * @param to anything gitrevisions(7) knows; default a new commit that nothing else leads to.
   */
  writeRef(repo: Repo, ref: string, to?: string): Promise<RefUpdate> {
    return this.#inTurn(repo, async () => {
      const before = await this.tip(repo, ref);
      const after =
        to === undefined
          ? await this.commitObject(repo, { message: `Write ${ref}` })
          : to === ZERO
            ? ZERO
            : await this.resolve(repo, to);
      await this.#updateRefs(repo, [{ ref, before, after }]);
      return { ref, before, after };
    });
  }

  /** @param patterns as git for-each-ref takes them, such as `refs/heads`; default every ref there is. */
  async tips(repo: Repo, ...patterns: string[]): Promise<Map<string, string>> {
    const args = ["for-each-ref", "--format=%(objectname) %(refname)", ...patterns];
    const { stdout } = await this.git.run(repo.dir, args);
    const lines = stdout.split("\n").filter(Boolean);
    return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
  }

  async tip(repo: Repo, ref: string): Promise<string> {
    // A loose ref is read as git reads it, without a process.
    const loose = await readFile(join(repo.dir, ref), "utf8").catch(() => "");
    if (/^[0-9a-f]{40}\n$/.test(loose)) return loose.trim();
    const args = ["rev-parse", "--quiet", "--verify", ref];
    return (await this.git.line(repo.dir, args, { expect: [0, 1] })) || ZERO;
  }

  /** @param what anything gitrevisions(7) knows, such as `main~2`. */
  resolve(repo: Repo, what: string): Promise<string> {
    return this.git.line(repo.dir, ["rev-parse", "--verify", what]);
  }

  #tagObject(repo: Repo, name: string, object: string): Promise<string> {
    const tagger = `Mona <mona@example.com> ${Math.floor(Date.now() / 1000)} +0000`;
    const input = `object ${object}\ntype commit\ntag ${name}\ntagger ${tagger}\n\n${name}\n`;
    return this.git.line(repo.dir, ["mktag"], { input });
  }

  async #move(repo: Repo, ref: string, after: string): Promise<Push> {
    const change = { ref, before: await this.tip(repo, ref), after };
    const [push] = await this.#write(repo, [{ ...change, forced: await this.#isForced(repo, change) }]);
    return push!;
  }

  async #isForced(repo: Repo, { before, after }: RefUpdate): Promise<boolean> {
    if (before === ZERO || after === ZERO) return false;
    const args = ["merge-base", "--is-ancestor", before, after];
    return (await this.git.run(repo.dir, args, { expect: [0, 1] })).code === 1;
  }

  async #write(
    repo: Repo,
    updates: (RefUpdate & { forced: boolean; commits?: Commit[] })[],
  ): Promise<Push[]> {
    await this.#updateRefs(repo, updates);
    repo.pushedAt = this.world.tick();
    return updates.map((update) => ({
      ...update,
      repo,
      commits: update.commits ?? [],
      pushedAt: repo.pushedAt,
      created: update.before === ZERO,
      deleted: update.after === ZERO,
    }));
  }

  async #updateRefs(repo: Repo, updates: RefUpdate[]): Promise<void> {
    const lines = updates.map(({ ref, before, after }) =>
      after === ZERO ? `delete ${ref} ${before}\n` : `update ${ref} ${after} ${before}\n`,
    );
    await this.git.run(repo.dir, ["update-ref", "--stdin"], { input: lines.join("") });
  }

  /** Pushes to one repository happen one after the other, each on top of the one before. */
  #inTurn<T>(repo: Repo, act: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(repo.id) ?? Promise.resolve()).then(act);
    this.#last.set(
      repo.id,
      turn.catch(() => {}),
    );
    return turn;
  }
}
