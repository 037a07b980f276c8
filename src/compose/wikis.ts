import { fullName } from "../base/names.js";
import { isWiki, wikiIdOf } from "../base/wikis.js";
import { isManaged, type RepositoryChange } from "../registry/repositories.js";
import type { Records } from "./records.js";

/**
 * Has the wiki of each repository that was renamed, transferred, lost or regained looked up by its id: no delivery names
 * the wiki.
 */
export function followRepositories({ registry, requests }: Pick<Records, "registry" | "requests">): void {
  registry.onChanged((change) => {
    const { id, installationId } = change.after;
    if (isWiki(id) || !concernsWiki(change)) return;
    const wiki = registry.identityOf(wikiIdOf(id));
    if (!wiki) return;
    registry.doubt(wiki.id);
    requests.repository(wiki.id, installationId, "backstop");
  });
}

const concernsWiki = ({ before, after }: RepositoryChange): boolean =>
  fullName(before) !== fullName(after) ||
  before.installationId !== after.installationId ||
  before.visibility !== after.visibility ||
  before.archived !== after.archived ||
  isManaged(before) !== isManaged(after);
