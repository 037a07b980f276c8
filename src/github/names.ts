import { RequestError } from "@octokit/request-error";
import type { RepositoryName } from "../base/model.js";
import { type ApiContext, callAsInstallation } from "./context.js";
import { callRestOrNull } from "./rest.js";

/** Answers of so many repositories are remembered. */
const MAX_KNOWN = 20_000;

interface Known {
  etag: string;
  name: RepositoryName;
}

/**
 * Makes the function that asks which name a repository has now, by its id. The question is conditional: while nothing
 * has changed GitHub answers 304, which does not count against the rate limit.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
 */
export function createNames(context: ApiContext) {
  const known = new Map<string, Known>();

  function remember(key: string, etag: string | undefined, name: RepositoryName): void {
    known.delete(key);
    if (etag) known.set(key, { etag, name });
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
  }

  /** @returns null: the repository does not exist, or not for this installation @throws RefreshError */
  return (installationId: number, id: number): Promise<RepositoryName | null> =>
    callRestOrNull(async () => {
      const key = `${installationId}:${id}`;
      const last = known.get(key);
      try {
        const { data, headers } = await callAsInstallation(context, installationId, (client) =>
          client.request("GET /repositories/{id}", {
            id,
            headers: last ? { "if-none-match": last.etag } : {},
          }),
        );
        const found = data as { id: number; name: string; owner: { login: string } };
        const name = { owner: found.owner.login, name: found.name };
        remember(key, headers.etag, name);
        return found.id === id ? name : null;
      } catch (error) {
        if (last && error instanceof RequestError && error.status === 304) return last.name;
        throw error;
      }
    }, installationId);
}
