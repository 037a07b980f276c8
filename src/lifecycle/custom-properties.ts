import { asRefreshError } from "../base/errors.js";
import type { CustomProperties, RemoteRepository, UnreadProperties } from "../base/remote-repository.js";
import { repositoryIdOf } from "../base/wikis.js";
import type { GitHub } from "../github/api.js";
import type { Dated } from "../github/rest.js";

/** GitHub, whose lists have the custom properties of repositories. */
export interface WithProperties {
  github: GitHub;
  /** Installations whose custom properties the last list lacked. */
  unread(): UnreadProperties[];
}

/**
 * github.com lists custom properties with the repositories. An older Enterprise Server does not, and is asked for those
 * of the whole organisation then. Where it refuses, the list goes on without, so that nothing else waits for a
 * permission.
 */
export function listWithProperties(github: GitHub, now: () => number): WithProperties {
  const unread = new Map<number, UnreadProperties>();

  async function read(installationId: number, owner: string) {
    try {
      const found = await github.properties(installationId, owner);
      unread.delete(installationId);
      return found;
    } catch (error) {
      const { code, message } = asRefreshError(error);
      if (code !== "forbidden" && code !== "not_found") throw error;
      const since = unread.get(installationId)?.since ?? now();
      unread.set(installationId, { installationId, owner, since, code, message });
      return null;
    }
  }

  async function* repositories(installationId: number): AsyncIterable<Dated<RemoteRepository[]>> {
    let ofAll: ReadonlyMap<number, CustomProperties> | null | undefined;
    try {
      for await (const page of github.repositories(installationId)) {
        const lacking = page.value.find(({ properties }) => !properties);
        if (lacking && ofAll === undefined) ofAll = await read(installationId, lacking.owner);
        yield { ...page, value: ofAll ? page.value.map((it) => complete(it, ofAll)) : page.value };
      }
    } catch (error) {
      if (asRefreshError(error).code === "not_found") unread.delete(installationId);
      throw error;
    }
    if (ofAll === undefined) unread.delete(installationId);
  }

  return { github: { ...github, repositories }, unread: () => [...unread.values()] };
}

/** A repository that the organisation's list lacks was created after that list was read: the next pass decides. */
function complete(
  remote: RemoteRepository,
  ofAll: ReadonlyMap<number, CustomProperties> | null | undefined,
): RemoteRepository {
  const properties = remote.properties ?? ofAll?.get(repositoryIdOf(remote.id));
  return properties ? { ...remote, properties } : remote;
}
