import type { RepositoryName, Visibility } from "../base/model.js";
import type { CustomProperties, RemoteRepository } from "../base/remote-repository.js";
import { createConditional } from "./conditional.js";
import { type ApiContext, callAsInstallation } from "./context.js";
import { toProperties } from "./properties.js";
import { callRest, callRestOrNull, clockOf, type Dated } from "./rest.js";

/** The fields of a REST repository that Lockstep uses. */
interface RestRepository {
  id: number;
  name: string;
  owner: { login: string; type?: string };
  default_branch: string;
  pushed_at?: string | null;
  private?: boolean;
  visibility?: string;
  archived?: boolean;
  has_wiki?: boolean;
  topics?: string[];
  custom_properties?: Record<string, unknown>;
}

/**
 * Yields every repository of an installation, 100 per call; each page has GitHub's clock. @throws
 * RefreshError
 */
export async function* listRepositories(
  context: ApiContext,
  installationId: number,
): AsyncIterable<Dated<RemoteRepository[]>> {
  for (let page = 1; ; page++) {
    const { isLast, ...answer } = await readPage(context, installationId, page);
    yield answer;
    if (isLast) return;
  }
}

/** Reads one page of the same list, the first of which is 1. Past the end it is empty. @throws RefreshError */
export async function listPage(
  context: ApiContext,
  installationId: number,
  page: number,
): Promise<Dated<RemoteRepository[]>> {
  const { value, at, askedAt } = await readPage(context, installationId, page);
  return { value, at, askedAt };
}

async function readPage(
  context: ApiContext,
  installationId: number,
  page: number,
): Promise<Dated<RemoteRepository[]> & { isLast: boolean }> {
  const askedAt = Date.now();
  const { data, headers } = await callRest(
    () =>
      callAsInstallation(context, installationId, (client) =>
        client.rest.apps.listReposAccessibleToInstallation({ per_page: 100, page }),
      ),
    installationId,
  );
  const value = data.repositories.map((found) => convert(found, installationId));
  // A page can be short without being the last one.
  return { value, at: clockOf(headers), askedAt, isLast: !/rel="next"/.test(headers.link ?? "") };
}

/** @returns null: the repository does not exist, or not for this installation @throws RefreshError */
export function getRepository(
  context: ApiContext,
  installationId: number,
  id: number,
): Promise<Dated<RemoteRepository> | null> {
  return callRestOrNull(async () => {
    const askedAt = Date.now();
    const { data, headers } = await callAsInstallation(context, installationId, (client) =>
      // GET /repositories/{id} is undocumented but stable, and the only call by id.
      client.request("GET /repositories/{id}", { id }),
    );
    return { value: convert(data as RestRepository, installationId), at: clockOf(headers), askedAt };
  }, installationId);
}

/** Makes the function that gets a repository as `getRepository` does, which costs nothing while nothing has changed. */
export function createUnchangedReader(
  context: ApiContext,
): (installationId: number, id: number) => Promise<Dated<RemoteRepository> | null> {
  const conditionally = createConditional<RemoteRepository>();
  return (installationId, id) =>
    callRestOrNull(async () => {
      const askedAt = Date.now();
      const { value, headers } = await conditionally(`${installationId}:${id}`, (conditions) =>
        callAsInstallation(context, installationId, async (client) => {
          const answer = await client.request("GET /repositories/{id}", { id, headers: conditions });
          return { value: convert(answer.data as RestRepository, installationId), headers: answer.headers };
        }),
      );
      return { value, at: clockOf(headers), askedAt };
    }, installationId);
}

/**
 * Gets a repository by a name that it has or had. GitHub redirects from a former name to the id; an answer of
 * another server counts as none.
 * @returns null: no such repository for this installation @throws RefreshError
 */
export function getRepositoryNamed(
  context: ApiContext,
  installationId: number,
  { owner, name }: RepositoryName,
): Promise<RemoteRepository | null> {
  return callRestOrNull(async () => {
    const { data, url } = await callAsInstallation(context, installationId, (client) =>
      client.rest.repos.get({ owner, repo: name }),
    );
    const { baseUrl } = context.shared("");
    return new URL(url).origin === new URL(baseUrl).origin ? convert(data, installationId) : null;
  }, installationId);
}

function convert(found: RestRepository, installationId: number): RemoteRepository {
  const properties = ownProperties(found);
  return {
    id: found.id,
    installationId,
    owner: found.owner.login,
    name: found.name,
    defaultBranch: found.default_branch,
    pushedAt: found.pushed_at ? Math.floor(Date.parse(found.pushed_at) / 1000) : 0,
    visibility: visibilityOf(found),
    archived: found.archived ?? null,
    ...(found.has_wiki && { hasWiki: true }),
    ...(found.topics && { topics: found.topics }),
    ...(properties && { properties }),
  };
}

/** Only organisations give properties. @returns undefined: the answer of an older server does not say */
function ownProperties({ owner, custom_properties: given }: RestRepository): CustomProperties | undefined {
  if (given) return toProperties(Object.entries(given));
  return owner.type === "User" ? {} : undefined;
}

const VISIBILITIES: readonly string[] = ["public", "private", "internal"] satisfies Visibility[];

/** GitHub Enterprise Server answered without `visibility` once, and may have further values one day. */
function visibilityOf({ visibility, private: isPrivate }: RestRepository): Visibility | null {
  if (visibility && VISIBILITIES.includes(visibility)) return visibility as Visibility;
  if (isPrivate === undefined) return null;
  return isPrivate ? "private" : "public";
}
