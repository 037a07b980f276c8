import type { RepositoryName } from "../base/model.js";
import { createConditional } from "./conditional.js";
import { type ApiContext, callAsInstallation } from "./context.js";
import { callRestOrNull } from "./rest.js";

interface Named {
  id: number;
  name: RepositoryName;
}

/** Makes the function that asks which name a repository has now, by its id, which costs nothing while nothing has changed. */
export function createNames(context: ApiContext) {
  const conditionally = createConditional<Named>();

  /** @returns null: the repository does not exist, or not for this installation @throws RefreshError */
  return (installationId: number, id: number): Promise<RepositoryName | null> =>
    callRestOrNull(async () => {
      const { value } = await conditionally(`${installationId}:${id}`, (headers) =>
        callAsInstallation(context, installationId, async (client) => {
          const answer = await client.request("GET /repositories/{id}", { id, headers });
          const found = answer.data as { id: number; name: string; owner: { login: string } };
          const name = { owner: found.owner.login, name: found.name };
          return { value: { id: found.id, name }, headers: answer.headers };
        }),
      );
      return value.id === id ? value.name : null;
    }, installationId);
}
