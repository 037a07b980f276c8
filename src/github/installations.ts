import type { ApiContext } from "./context.js";
import { callRest, callRestOrNull } from "./rest.js";

export interface Installation {
  id: number;
  login: string;
  suspended: boolean;
}

/** @returns every installation of the App. @throws RefreshError */
export function listInstallations({ app }: ApiContext): Promise<Installation[]> {
  return callRest(async () => {
    const all = await app.paginate(app.rest.apps.listInstallations, { per_page: 100 });
    return all.map(({ id, account, suspended_at }) => ({
      id,
      login: account && "login" in account ? account.login : "",
      suspended: Boolean(suspended_at),
    }));
  });
}

/**
 * @returns where an owner of an account installs the App, such as https://github.com/apps/lockstep/installations/new;
 * null: GitHub does not say @throws RefreshError
 */
export function findInstallUrl({ app }: ApiContext): Promise<string | null> {
  return callRest(async () => {
    const { data } = await app.rest.apps.getAuthenticated();
    return data?.html_url ? `${data.html_url}/installations/new` : null;
  });
}

/** @returns the name of the installation's account; null: the App has no such installation @throws RefreshError */
export function findLoginOf({ app }: ApiContext, installationId: number): Promise<string | null> {
  return callRestOrNull(async () => {
    const { account } = (await app.rest.apps.getInstallation({ installation_id: installationId })).data;
    return account && "login" in account ? account.login : null;
  });
}

/**
 * @returns the installation that a repository belongs to; null: the App does not see the repository @throws
 * RefreshError
 */
export function findInstallationOf({ app }: ApiContext, owner: string, name: string): Promise<number | null> {
  return callRestOrNull(async () => (await app.rest.apps.getRepoInstallation({ owner, repo: name })).data.id);
}
