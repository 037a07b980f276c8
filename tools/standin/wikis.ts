import { join } from "node:path";
import { initBare } from "./bare.js";
import type { Changes } from "./changes.js";
import { type Repo, type WikiEdit, ZERO } from "./types.js";
import type { World } from "./world.js";

/** GitHub shows this branch of a wiki, whatever else was pushed. */
export const WIKI_BRANCH = "master";

/** Wikis: git repositories of their own, which exist from their first page on. */
export class Wikis {
  constructor(
    private readonly root: string,
    private readonly world: World,
    private readonly changes: Changes,
  ) {}

  /** Saves a page, as an editor in the browser does. @param name as in the page's address, such as Home */
  async write(repo: Repo, name: string, text: string): Promise<WikiEdit> {
    const wiki = this.world.wikiOf(repo) ?? (await this.#create(repo));
    const file = `${name}.md`;
    const isNew = (await this.changes.tip(wiki, `refs/heads/${WIKI_BRANCH}:${file}`)) === ZERO;
    const { after } = await this.changes.commit(wiki, WIKI_BRANCH, {
      message: `Write ${name}`,
      files: { [file]: text },
    });
    return { repo, wiki, pages: [{ name, action: isNew ? "created" : "edited", sha: after }] };
  }

  async #create(repo: Repo): Promise<Repo> {
    const id = this.world.nextId();
    const wiki = wikiOf(repo, { id, dir: join(this.root, `${id}.wiki.git`) });
    await initBare(wiki);
    this.world.addWiki(repo, wiki);
    return wiki;
  }
}

/** What is true of the repository is true of its wiki, also after a rename. */
const wikiOf = (repo: Repo, own: Pick<Repo, "id" | "dir">): Repo => ({
  ...repo,
  ...own,
  defaultBranch: WIKI_BRANCH,
  get owner() {
    return repo.owner;
  },
  get name() {
    return `${repo.name}.wiki`;
  },
  get installation() {
    return repo.installation;
  },
  get private() {
    return repo.private;
  },
});
