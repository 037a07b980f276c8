import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { initBare, plant, sow } from "./bare.js";
import type { Git } from "./git.js";
import { seedHistory, writeManyRefs } from "./seed.js";
import type { Installation, Repo } from "./types.js";
import type { World } from "./world.js";

export interface NewRepository {
  /** Default: the owner's installation, made when there is none. */
  installation?: Installation | null;
  defaultBranch?: string;
  /** A path or URL whose branches and tags it starts with. */
  from?: string;
  empty?: boolean;
  /** So many further refs, half branches and half tags, over a history of up to 1,000 commits. */
  manyRefs?: number;
  private?: boolean;
}

/** So many are made before requests get their turn. */
const AT_ONCE = 32;

export class Repositories {
  constructor(
    private readonly root: string,
    private readonly world: World,
    private readonly git: Git,
  ) {}

  createInstallation(
    login: string,
    options: { suspended?: boolean; selection?: "all" | "selected" } = {},
  ): Installation {
    const installation: Installation = {
      id: this.world.nextId(),
      login,
      accountId: this.world.nextId(),
      selection: options.selection ?? "all",
      suspendedAt: null,
    };
    this.world.installations.set(installation.id, installation);
    if (options.suspended) this.suspend(installation);
    return installation;
  }

  suspend(installation: Installation, suspended = true): void {
    installation.suspendedAt = suspended ? new Date().toISOString() : null;
  }

  async createRepository(owner: string, name: string, options: NewRepository = {}): Promise<Repo> {
    const installation =
      options.installation === undefined
        ? (this.world.installationOf(owner) ?? this.createInstallation(owner))
        : options.installation;
    const repo = this.#new(owner, name, installation);
    repo.defaultBranch = options.defaultBranch ?? "main";
    repo.private = options.private ?? true;
    await initBare(repo);
    if (options.from) await this.#copy(repo, options.from);
    else if (!options.empty) await seedHistory(this.git, repo, options.manyRefs ?? 0);
    if (options.manyRefs) await writeManyRefs(this.git, repo, options.manyRefs);
    repo.pushedAt = this.world.tick();
    this.world.addRepository(repo);
    return repo;
  }

  /** Thousands of repositories that all start with one and the same commit. */
  async createMany(installation: Installation, names: string[]): Promise<Repo[]> {
    const pushedAt = this.world.tick();
    const seed = await sow(this.git, join(this.root, `seed-${this.world.nextId()}`));
    const repos = names.map((name) => ({ ...this.#new(installation.login, name, installation), pushedAt }));
    for (const [index, repo] of repos.entries()) {
      if (index % AT_ONCE === 0) await nextTurn();
      plant(seed, repo);
    }
    await rm(seed.dir, { recursive: true });
    for (const repo of repos) this.world.addRepository(repo);
    return repos;
  }

  async setDefaultBranch(repo: Repo, branch: string): Promise<void> {
    await this.git.run(repo.dir, ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
    repo.defaultBranch = branch;
  }

  rename(repo: Repo, name: string, owner = repo.owner): void {
    this.world.rename(repo, owner, name);
  }

  /** @param to null: an account without the App. */
  transfer(repo: Repo, to: Installation | null, owner: string): void {
    this.rename(repo, repo.name, owner);
    repo.installation = to;
  }

  renameOwner(installation: Installation, login: string): void {
    for (const repo of this.world.ownedBy(installation.login)) this.rename(repo, repo.name, login);
    installation.login = login;
  }

  /** @returns what came in: with "all", every repository of the account does. */
  setSelection(installation: Installation, selection: "all" | "selected"): Repo[] {
    installation.selection = selection;
    if (selection === "selected") return [];
    const added = this.world.ownedBy(installation.login).filter((repo) => repo.installation === null);
    for (const repo of added) repo.installation = installation;
    return added;
  }

  async delete(repo: Repo): Promise<void> {
    this.world.forget(repo);
    await rm(repo.dir, { recursive: true, force: true });
  }

  #new(owner: string, name: string, installation: Installation | null): Repo {
    const id = this.world.nextId();
    return {
      id,
      dir: join(this.root, `${id}.git`),
      owner,
      name,
      defaultBranch: "main",
      installation,
      pushedAt: 0,
      archived: false,
      private: true,
      topics: [],
      properties: {},
      hasWiki: true,
    };
  }

  async #copy(repo: Repo, from: string): Promise<void> {
    // The owner of a private upstream has credentials in their own git configuration.
    const env = { ...process.env, GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
    const refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await this.git.run(repo.dir, ["fetch", "--quiet", "--no-write-fetch-head", from, ...refspecs], { env });
    const head = await this.git.line(repo.dir, ["ls-remote", "--symref", from, "HEAD"], { env });
    const branch = /^ref: refs\/heads\/(\S+)\tHEAD/m.exec(head)?.[1];
    const first = await this.git.line(repo.dir, [
      "for-each-ref",
      "--count=1",
      "--format=%(refname:lstrip=2)",
      "refs/heads",
    ]);
    const hasBranch =
      branch && (await this.git.line(repo.dir, ["for-each-ref", `refs/heads/${branch}`])) !== "";
    if (!hasBranch && first === "")
      throw new Error(`${from} has no branch to copy (a shallow clone gives none away)`);
    await this.git.run(repo.dir, ["pack-refs", "--all"]);
    await this.setDefaultBranch(repo, hasBranch ? branch : first);
  }
}
