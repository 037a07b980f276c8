import type { RepositoryName } from "./model.js";
import { isRepositoryPattern } from "./patterns.js";

/**
 * GitHub gives the wiki of a repository no id. A wiki's id is its repository's plus this number, which is a thousand times
 * as large as GitHub's newest ids, and small enough for every number and path that an id is part of.
 */
export const WIKI_IDS_FROM = 1_000_000_000_000;

/**
 * GitHub reserves names that end like this for wikis:
 * https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#repository-name
 */
const SUFFIX = ".wiki";

/** Observed: GitHub shows this branch of a wiki, and no setting changes that. */
export const WIKI_BRANCH = "master";

/** Whether this is the id of a wiki. */
export const isWiki = (id: number): boolean => id >= WIKI_IDS_FROM;

/** Returns the id of a repository's wiki. */
export const wikiIdOf = (repositoryId: number): number => WIKI_IDS_FROM + repositoryId;

/** Returns the id of the repository that a wiki belongs to; of any other repository its own id. */
export const repositoryIdOf = (id: number): number => (isWiki(id) ? id - WIKI_IDS_FROM : id);

/** Returns the name of a repository's wiki, as git reads it. */
export const wikiNameOf = ({ owner, name }: RepositoryName): RepositoryName => ({
  owner,
  name: `${name}${SUFFIX}`,
});

/** Returns the name of the repository that a wiki belongs to; of any other repository its own name. */
export const repositoryNameOf = ({ owner, name }: RepositoryName): RepositoryName => ({
  owner,
  name: withoutSuffix(name),
});

/** Whether the name is a wiki's. */
export const isWikiName = (name: string): boolean => name.toLowerCase().endsWith(SUFFIX);

const withoutSuffix = (name: string): string => (isWikiName(name) ? name.slice(0, -SUFFIX.length) : name);

/**
 * Whether the text is a pattern of `owner/name` for a rule that applies to wikis with their repositories. Such a rule never
 * looks at a wiki's own name, so a pattern that names wikis is a mistake: with `!` in front nothing would be excluded.
 */
export const isPatternOfRepositories = (text: string): boolean =>
  isRepositoryPattern(text) && !isWikiName(text);

/** Makes a rule on `owner/name` apply to wikis, too, by the name of their repository. */
export const byRepositoryName =
  (holds: (fullName: string) => boolean) =>
  (fullName: string): boolean =>
    holds(withoutSuffix(fullName));
