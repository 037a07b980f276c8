/** A page of an installation's list, the first of which is 1. */
export interface ListPage {
  installationId: number;
  page: number;
}

/**
 * Remembers on which page of GitHub's list each repository was that waits for its first clone, so that one page can be
 * asked for many. The list may shift: a page is a guess, and what it lacks is asked for by id.
 */
export interface ListPages {
  note(id: number, page: ListPage): void;
  /** Null: the repository has not been listed since the start, or is cloned. */
  of(id: number): ListPage | null;
  /** Returns how many repositories of the page still wait for their first clones. */
  countOn(page: ListPage): number;
  forget(id: number): void;
}

/** What is noted beyond this is asked for by id. */
const MAX_NOTED = 100_000;

/** Returns the page's key in a map. */
export const keyOfPage = ({ installationId, page }: ListPage): string => `${installationId}:${page}`;

export function createListPages(): ListPages {
  const pages = new Map<number, ListPage>();
  const counts = new Map<string, number>();

  function count(page: ListPage, by: 1 | -1): void {
    const now = (counts.get(keyOfPage(page)) ?? 0) + by;
    if (now > 0) counts.set(keyOfPage(page), now);
    else counts.delete(keyOfPage(page));
  }

  function forget(id: number): void {
    const page = pages.get(id);
    if (page && pages.delete(id)) count(page, -1);
  }

  return {
    note(id, page) {
      forget(id);
      if (pages.size >= MAX_NOTED) return;
      pages.set(id, page);
      count(page, 1);
    },
    of: (id) => pages.get(id) ?? null,
    countOn: (page) => counts.get(keyOfPage(page)) ?? 0,
    forget,
  };
}
