import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { GitHub } from "../github/api.js";
import type { Dated } from "../github/rest.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { applyRemote } from "./apply-remote.js";
import { keyOfPage, type ListPage, type ListPages } from "./list-pages.js";
import { type RepositoryPorts, reconcileRepository } from "./repository.js";

export type PagePorts = RepositoryPorts & {
  github: Pick<GitHub, "repositoriesOnPage">;
  registry: Pick<Registry, "get">;
  pages: ListPages;
};

type Answers = Map<number, PromiseSettledResult<ManagedRepository | null>>;

/** The refresh that asks applies what is new. */
const IN_REFRESH = { requestsRefresh: false, mayHaveLeft: false };

/** For fewer than these the page is not asked for: it has the answers of 100 repositories. */
const WORTH_A_PAGE = 2;

/**
 * Asks GitHub about repositories that wait for their first clones, or have just been cloned: once for each page of the
 * installation's list, and by id for those that the pages lack, or whose page GitHub does not give.
 * @returns of each repository what `reconcileRepository` returns or throws
 */
export async function reconcileByPage(ports: PagePorts, ids: readonly number[]): Promise<Answers> {
  const answers: Answers = new Map();
  for (const [page, some] of byPage(ports, ids)) {
    const failure = await askForPage(ports, page, { some, answers });
    const missing = some.filter((id) => !answers.has(id));
    await askOneByOne(ports, missing, { answers, failure });
  }
  const left = ids.filter((id) => !answers.has(id));
  await askOneByOne(ports, left, { answers, failure: null });
  return answers;
}

/** @returns the pages that are worth a call, with the repositories that are to be asked for */
function byPage({ pages }: PagePorts, ids: readonly number[]): Map<ListPage, number[]> {
  const found = new Map<string, [ListPage, number[]]>();
  for (const id of ids) {
    const page = pages.of(id);
    if (!page || pages.countOn(page) < WORTH_A_PAGE) continue;
    const [, known] = found.get(keyOfPage(page)) ?? [page, []];
    found.set(keyOfPage(page), [page, [...known, id]]);
  }
  return new Map(found.values());
}

/** @returns why the page could not be read; null: it was */
async function askForPage(
  ports: PagePorts,
  { installationId, page }: ListPage,
  { some, answers }: { some: readonly number[]; answers: Answers },
): Promise<RefreshError | null> {
  let list: Dated<RemoteRepository[]>;
  try {
    list = await ports.github.repositoriesOnPage(installationId, page);
  } catch (error) {
    return asRefreshError(error);
  }
  const asked = new Set(some);
  ports.store.transaction(() => {
    for (const remote of list.value) {
      if (asked.has(remote.id)) applyAsked(ports, { ...list, value: remote }, answers);
      else if (waitsForFirstClone(ports, remote.id, installationId))
        applyRemote(ports, { ...list, value: remote }, IN_REFRESH);
    }
  });
  return null;
}

function applyAsked(ports: PagePorts, answer: Dated<RemoteRepository>, answers: Answers): void {
  const { id, installationId } = answer.value;
  const known = ports.registry.get(id);
  // The list says nothing of a repository that belongs to another installation by now.
  if (known?.installationId !== installationId) return;
  const value = applyRemote(ports, answer, IN_REFRESH);
  if (!value) ports.removal.retire(id);
  answers.set(id, { status: "fulfilled", value });
}

/** Their names are as fresh as those that were asked for. Others wait for the next pass, which sees what is new. */
function waitsForFirstClone(ports: PagePorts, id: number, installationId: number): boolean {
  const known = ports.registry.get(id);
  return (
    known?.state === "onboarding" &&
    known.installationId === installationId &&
    known.answeredAt > 0 &&
    !ports.installations.isHeld(id)
  );
}

/** @param failure how the page failed; what fails in the same way is not asked for again and again */
async function askOneByOne(
  ports: PagePorts,
  ids: readonly number[],
  { answers, failure }: { answers: Answers; failure: RefreshError | null },
): Promise<void> {
  let given: RefreshError | null = null;
  for (const id of ids) {
    if (given) {
      answers.set(id, { status: "rejected", reason: given });
      continue;
    }
    try {
      answers.set(id, { status: "fulfilled", value: await reconcileRepository(ports, id, IN_REFRESH) });
    } catch (error) {
      const reason = asRefreshError(error);
      answers.set(id, { status: "rejected", reason });
      if (failure?.code === reason.code) given = reason;
    }
  }
}
