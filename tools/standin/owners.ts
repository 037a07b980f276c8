import { EventEmitter } from "node:events";
import { Changes } from "./changes.js";
import { Git } from "./git.js";
import { Pulls } from "./pulls.js";
import { Repositories } from "./repositories.js";
import type { Events, Installation, PullRequest, Push, RefUpdate, Repo, WikiEdit } from "./types.js";
import { Wikis } from "./wikis.js";
import { World } from "./world.js";

/** What people do at GitHub. Nothing here makes a delivery: `deliver` and `deliverEvent` do. */
export class Owners extends EventEmitter<Events> {
  readonly world = new World();
  protected readonly git = new Git();
  readonly #repositories: Repositories;
  readonly #changes: Changes;
  readonly #pulls: Pulls;
  readonly #wikis: Wikis;

  protected constructor(root: string) {
    super();
    this.#repositories = new Repositories(root, this.world, this.git);
    this.#changes = new Changes(this.world, this.git);
    this.#pulls = new Pulls(this.world, this.#changes);
    this.#wikis = new Wikis(root, this.world, this.#changes);
  }

  createInstallation(...args: Parameters<Repositories["createInstallation"]>): Installation {
    return this.#repositories.createInstallation(...args);
  }
  suspendInstallation(installation: Installation, suspended = true): void {
    this.#repositories.suspend(installation, suspended);
  }
  removeInstallation(installation: Installation): void {
    for (const repo of this.world.repositoriesOf(installation)) repo.installation = null;
    this.world.installations.delete(installation.id);
  }
  /** The account's new login; all its repositories are renamed with it. */
  renameOwner(installation: Installation, login: string): void {
    this.#repositories.renameOwner(installation, login);
  }
  /** @returns what came in: with "all", every repository of the account does. */
  setSelection(installation: Installation, selection: Installation["selection"]): Repo[] {
    return this.#repositories.setSelection(installation, selection);
  }

  createRepository(...args: Parameters<Repositories["createRepository"]>): Promise<Repo> {
    return this.#repositories.createRepository(...args);
  }
  /** Thousands in seconds; all start with one and the same commit. */
  createRepositories(installation: Installation, names: string[]): Promise<Repo[]> {
    return this.#repositories.createMany(installation, names);
  }
  renameRepository(repo: Repo, name: string, owner?: string): void {
    this.#repositories.rename(repo, name, owner);
  }
  /** @param to null: an account without the App, whose login `owner` must then name. */
  transferRepository(repo: Repo, to: Installation | null, owner = to?.login ?? repo.owner): void {
    this.#repositories.transfer(repo, to, owner);
  }
  archiveRepository(repo: Repo, on = true): void {
    repo.archived = on;
  }
  /** What is public, every installation's token can read. */
  setPrivate(repo: Repo, on = true): void {
    repo.private = on;
  }
  setTopics(repo: Repo, ...topics: string[]): void {
    repo.topics = topics;
  }
  /** Custom properties, as an owner of the organisation sets them. */
  setProperties(repo: Repo, properties: Repo["properties"]): void {
    repo.properties = properties;
  }
  /** Puts it into an installation, as its owner does by selecting it. */
  addRepository(repo: Repo, installation: Installation): void {
    repo.installation = installation;
  }
  /** Takes it out of its installation; it stays at GitHub. */
  removeRepository(repo: Repo): void {
    repo.installation = null;
  }
  deleteRepository(repo: Repo): Promise<void> {
    return this.#repositories.delete(repo);
  }
  setDefaultBranch(repo: Repo, branch: string): Promise<void> {
    return this.#repositories.setDefaultBranch(repo, branch);
  }

  commit(...args: Parameters<Changes["commit"]>): Promise<Push> {
    return this.#changes.commit(...args);
  }
  commitObject(...args: Parameters<Changes["commitObject"]>): Promise<string> {
    return this.#changes.commitObject(...args);
  }
  forcePush(...args: Parameters<Changes["forcePush"]>): Promise<Push> {
    return this.#changes.forcePush(...args);
  }
  deleteRef(...args: Parameters<Changes["deleteRef"]>): Promise<Push> {
    return this.#changes.deleteRef(...args);
  }
  createTag(...args: Parameters<Changes["createTag"]>): Promise<Push> {
    return this.#changes.createTag(...args);
  }
  createBranch(...args: Parameters<Changes["createBranch"]>): Promise<Push> {
    return this.#changes.createBranch(...args);
  }
  updateRefs(...args: Parameters<Changes["updateRefs"]>): Promise<Push[]> {
    return this.#changes.updateRefs(...args);
  }
  /** Any ref, such as refs/notes/commits: no push event reports it, and `pushed_at` stays. */
  writeRef(...args: Parameters<Changes["writeRef"]>): Promise<RefUpdate> {
    return this.#changes.writeRef(...args);
  }
  /** Every ref, or those under some prefixes such as `refs/heads`. */
  tips(repo: Repo, ...prefixes: string[]): Promise<Map<string, string>> {
    return this.#changes.tips(repo, ...prefixes);
  }
  /** Returns the ref's object, ZERO when the ref does not exist. */
  tip(repo: Repo, ref: string): Promise<string> {
    return this.#changes.tip(repo, ref);
  }
  resolve(repo: Repo, what: string): Promise<string> {
    return this.#changes.resolve(repo, what);
  }

  /** Lets a repository have a wiki or not; its pages stay. */
  setWiki(repo: Repo, on: boolean): void {
    repo.hasWiki = on;
  }
  writePage(...args: Parameters<Wikis["write"]>): Promise<WikiEdit> {
    return this.#wikis.write(...args);
  }

  openPullRequest(...args: Parameters<Pulls["open"]>): Promise<PullRequest> {
    return this.#pulls.open(...args);
  }
  updatePullRequest(...args: Parameters<Pulls["update"]>): Promise<PullRequest> {
    return this.#pulls.update(...args);
  }
  closePullRequest(pull: PullRequest, options: { merged?: boolean } = {}): PullRequest {
    return this.#pulls.setState(pull, "closed", options.merged);
  }
  reopenPullRequest(pull: PullRequest): PullRequest {
    return this.#pulls.setState(pull, "open");
  }
}
