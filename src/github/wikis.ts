import type { RemoteRepository } from "../base/remote-repository.js";
import {
  isWiki,
  isWikiName,
  repositoryIdOf,
  repositoryNameOf,
  WIKI_BRANCH,
  wikiIdOf,
  wikiNameOf,
} from "../base/wikis.js";
import type { RepositoryCalls } from "./repository-calls.js";
import type { Dated } from "./rest.js";

/**
 * Lets GitHub's REST API answer for wikis, too, which it knows as a field of their repository alone. All else about a wiki
 * is then what it is about any repository.
 * @param readUnchanged gets a repository by id, which costs nothing while nothing has changed
 */
export function withWikis<GitHub extends RepositoryCalls>(
  github: GitHub,
  readUnchanged: RepositoryCalls["repository"],
): GitHub {
  return {
    ...github,
    async *repositories(installationId) {
      for await (const page of github.repositories(installationId)) yield withWikisOf(page);
    },
    async repositoriesOnPage(installationId, page) {
      return withWikisOf(await github.repositoriesOnPage(installationId, page));
    },
    async repository(installationId, id) {
      if (!isWiki(id)) return github.repository(installationId, id);
      const answer = await readUnchanged(installationId, repositoryIdOf(id));
      const value = answer && wikiOf(answer.value, answer.at);
      return value && { ...answer, value };
    },
    async nameOf(installationId, id) {
      const name = await github.nameOf(installationId, repositoryIdOf(id));
      return name && isWiki(id) ? wikiNameOf(name) : name;
    },
    async repositoryNamed(installationId, asked) {
      const found = await github.repositoryNamed(installationId, repositoryNameOf(asked));
      return found && isWikiName(asked.name) ? wikiOf(found, 0) : found;
    },
    installationOf: (owner, name) => github.installationOf(owner, repositoryNameOf({ owner, name }).name),
  };
}

/** Adds the wikis of the repositories of a page. */
const withWikisOf = ({ value, ...page }: Dated<RemoteRepository[]>): Dated<RemoteRepository[]> => ({
  ...page,
  value: [...value, ...value.flatMap((remote) => wikiOf(remote, page.at) ?? [])],
});

/**
 * Describes the wiki of a repository. GitHub does not say when a wiki was last pushed to, which may be any time up to now:
 * so only a full comparison proves a wiki, and each pass makes one.
 * @param now GitHub's clock, in whole seconds since 1970
 * @returns null: the repository has no wiki
 */
function wikiOf({ hasWiki, ...remote }: RemoteRepository, now: number): RemoteRepository | null {
  if (!hasWiki) return null;
  return {
    ...remote,
    ...wikiNameOf(remote),
    id: wikiIdOf(remote.id),
    defaultBranch: WIKI_BRANCH,
    pushedAt: now,
  };
}
