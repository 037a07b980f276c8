import { RefreshError } from "../../base/errors.js";
import type { Directory } from "../../cluster/directory.js";
import type { SharedReads } from "../../cluster/shared-reads.js";
import type { DeliveryPage, GitHub } from "../../github/api.js";

interface Needs {
  reads: SharedReads;
  directory: Directory;
  /** Whether this node is to have the repository. */
  wants(id: number): boolean;
  /** How often GitHub's log is read, in milliseconds; null: with each pass. */
  pullIntervalMs: number | null;
}

/** All nodes begin a pass at the same minute, with a random delay of up to a tenth of INTERVAL. Milliseconds. */
const LIST_MS = 60_000;
/** The newest page of GitHub's log is out of date soon; a page that a cursor names stays as it is. Milliseconds. */
const NEWEST_MS = 20_000;
const OLDER_MS = 120_000;

const KEYS = {
  installations: "installations",
  list: (installationId: number) => `list:${installationId}`,
  log: (cursor: string | null) => `log:${cursor ?? "newest"}`,
};

/** The key under which the list of an installation is shared. */
export const listKey = KEYS.list;

async function* once<T>(read: () => Promise<T>): AsyncIterable<T> {
  yield await read();
}

/**
 * The lists of GitHub, and its log of deliveries, are read by one node for all. Of an installation's repositories
 * this node sees its share alone; the directory has them all.
 */
export function shareGitHub(github: GitHub, { reads, directory, wants, pullIntervalMs }: Needs): GitHub {
  async function first<T>(key: string, read: () => Promise<T>, maxAgeMs: number) {
    // The loop goes on to its end, which shares what was read.
    const pages = [];
    for await (const page of reads.pages(key, () => once(read), { maxAgeMs })) pages.push(page);
    const last = pages.at(-1);
    if (!last) throw new RefreshError("internal", `nothing was shared under ${key}`);
    return last;
  }
  const newestMs = Math.min(NEWEST_MS, (pullIntervalMs ?? NEWEST_MS) / 2);

  return {
    ...github,
    async installations() {
      return (await first(KEYS.installations, github.installations, LIST_MS)).value;
    },
    async *repositories(installationId) {
      const listed = new Set<number>();
      const read = () => github.repositories(installationId);
      try {
        for await (const { value: page, agoMs } of reads.pages(KEYS.list(installationId), read, {
          maxAgeMs: LIST_MS,
        })) {
          directory.note(page.value);
          for (const { id } of page.value) listed.add(id);
          const value = page.value.filter(({ id }) => wants(id));
          yield { value, at: page.at, askedAt: Date.now() - agoMs };
        }
      } catch (error) {
        const isGone = error instanceof RefreshError && error.code === "not_found";
        if (isGone) directory.close(installationId, new Set());
        throw error;
      }
      directory.close(installationId, listed);
    },
    async deliveries(cursor): Promise<DeliveryPage> {
      const maxAgeMs = cursor === null ? newestMs : OLDER_MS;
      const { value, agoMs } = await first(KEYS.log(cursor), () => github.deliveries(cursor), maxAgeMs);
      return { ...value, keptMs: agoMs };
    },
  };
}
