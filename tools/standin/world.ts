import { randomBytes } from "node:crypto";
import { PERMISSIONS, type Rights, usualRights } from "./rest-json.js";
import type { Installation, Repo } from "./types.js";

interface Token {
  installation: Installation;
  permissions: Rights["permissions"];
  expiresAt: number;
}

const key = (owner: string, name: string): string => `${owner}/${name}`.toLowerCase();

/** What GitHub knows: accounts that installed the App, their repositories, tokens, the time. */
export class World {
  /** True: no two pushes carry the same second. GitHub's own clock does repeat seconds. */
  strictClock = false;
  /** False: repositories come without their custom properties, as from an older Enterprise Server. */
  showsProperties = true;
  /** Of the App, and of each installation, as long as its owner has accepted them. */
  readonly rights = usualRights();
  readonly installations = new Map<number, Installation>();
  readonly repositories = new Map<number, Repo>();
  readonly #byName = new Map<string, Repo>();
  readonly #formerNames = new Map<string, Repo>();
  /** Wikis by the id of their repository, once they have a page. */
  readonly #wikis = new Map<number, Repo>();
  readonly #tokens = new Map<string, Token>();
  #lastId = 1000;
  #lastSecond = 0;

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** The second of a push, never earlier than that of the push before. */
  tick(): number {
    const now = Math.floor(Date.now() / 1000);
    this.#lastSecond = Math.max(now, this.#lastSecond + (this.strictClock ? 1 : 0));
    return this.#lastSecond;
  }

  installationOf(login: string): Installation | undefined {
    return [...this.installations.values()].find((it) => it.login.toLowerCase() === login.toLowerCase());
  }

  addRepository(repo: Repo): void {
    const taken = this.find(repo.owner, repo.name);
    if (taken && taken !== repo) throw new Error(`${repo.owner} already has a repository ${repo.name}`);
    this.repositories.set(repo.id, repo);
    this.#byName.set(key(repo.owner, repo.name), repo);
    this.#formerNames.delete(key(repo.owner, repo.name));
  }

  rename(repo: Repo, owner: string, name: string): void {
    const former = key(repo.owner, repo.name);
    if ((this.find(owner, name) ?? repo) !== repo)
      throw new Error(`${owner} already has a repository ${name}`);
    this.#byName.delete(former);
    repo.owner = owner;
    repo.name = name;
    this.addRepository(repo);
    if (former !== key(owner, name)) this.#formerNames.set(former, repo);
  }

  forget(repo: Repo): void {
    this.repositories.delete(repo.id);
    this.#byName.delete(key(repo.owner, repo.name));
  }

  find(owner: string, name: string): Repo | undefined {
    return this.#byName.get(key(owner, name));
  }

  /** @returns what had that name once, until it is deleted or another takes the name. */
  findFormer(owner: string, name: string): Repo | undefined {
    const found = this.#formerNames.get(key(owner, name));
    return found && this.repositories.has(found.id) ? found : undefined;
  }

  addWiki(repo: Repo, wiki: Repo): void {
    this.#wikis.set(repo.id, wiki);
  }

  /** @returns the wiki's git repository; undefined: it has no page yet */
  wikiOf(repo: Repo): Repo | undefined {
    return this.#wikis.get(repo.id);
  }

  /** @returns what git reads under that name: a repository or a wiki that is switched on */
  findGit(owner: string, name: string): Repo | undefined {
    return this.#orWiki(name, (of) => this.find(owner, of));
  }

  findFormerGit(owner: string, name: string): Repo | undefined {
    return this.#orWiki(name, (of) => this.findFormer(owner, of));
  }

  /** No repository's name may end in `.wiki`. */
  #orWiki(name: string, find: (name: string) => Repo | undefined): Repo | undefined {
    const [, of] = /^(.+)\.wiki$/i.exec(name) ?? [];
    if (of === undefined) return find(name);
    const repo = find(of);
    return repo?.hasWiki ? this.#wikis.get(repo.id) : undefined;
  }

  /** @returns whether that installation's token may read it. */
  isReadable(repo: Repo | undefined, installation: Installation): repo is Repo {
    return repo !== undefined && (repo.installation === installation || !repo.private);
  }

  ownedBy(login: string): Repo[] {
    const owner = login.toLowerCase();
    return [...this.repositories.values()].filter((repo) => repo.owner.toLowerCase() === owner);
  }

  repositoriesOf(installation: Installation): Repo[] {
    return [...this.repositories.values()].filter((repo) => repo.installation === installation);
  }

  mintToken(
    installation: Installation,
    permissions: Rights["permissions"] = PERMISSIONS,
    lifetimeMs = 3_600_000,
  ): { token: string; expiresAt: string } {
    const token = `ghs_${randomBytes(27).toString("base64url").replace(/[-_]/g, "0")}`;
    const expiresAt = Date.now() + lifetimeMs;
    this.#tokens.set(token, { installation, permissions, expiresAt });
    return { token, expiresAt: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, "Z") };
  }

  /** @returns the installation a token is for, unless the token expired or the App was uninstalled. */
  installationByToken(token: string): Installation | undefined {
    const found = this.#tokens.get(token);
    const isGood = found && found.expiresAt > Date.now() && this.installations.has(found.installation.id);
    return isGood ? found.installation : undefined;
  }

  /** @returns what a token that was minted may do */
  permissionsOf(token: string): Rights["permissions"] {
    return this.#tokens.get(token)?.permissions ?? {};
  }

  /** Tokens that were minted and still count. */
  get tokens(): string[] {
    return [...this.#tokens.keys()];
  }

  /** Every token minted so far is refused from now on. */
  expireTokens(): void {
    this.#tokens.clear();
  }
}
