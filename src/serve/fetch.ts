import { asRefreshError, RefreshError } from "../base/errors.js";
import type { RefChange, RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Lend, Write } from "../git/mirror/writers.js";
import type { Lease } from "../git/transport/lease.js";
import type { BringPorts } from "./bring.js";

/** A repository whose mirror is served. */
export interface Fetched extends RepositoryName {
  id: number;
  installationId: number;
}

export interface FetchPorts {
  mirrors: Pick<Mirrors, "trusts" | "ensure" | "fetch" | "keepServed" | "dropServed">;
  write: Write;
  /** Lets others look at the mirror while the fetch waits for GitHub. */
  lend: Lend;
  /** @returns null: the repository is not managed any more, or paused */
  find(id: number): Fetched | null;
  /** @throws RefreshError when the disk has less space than MIN_FREE_DISK */
  requireSpace(): void;
  /** Ends maintenance that must not run beside a writer. */
  yieldToFetch(id: number, options: { all: boolean }): Promise<unknown>;
  /** Says that no such maintenance may begin, until what it returns is called. */
  hold(id: number): () => void;
  openLease(repository: Fetched): Lease;
  /** @returns commits of the mirror that GitHub may build on */
  basesOf(id: number): Promise<string[]>;
  /** Asks with the App's token which name the repository has now; null: the App cannot see it. @throws RefreshError */
  nameOf(repository: Fetched): Promise<RepositoryName | null>;
  /** Called when Lockstep's own refs in the mirror were made or dropped. */
  onChanged(id: number, changes: RefChange[]): void;
  /** Called with what was fetched from GitHub. */
  onFetched(stats: { requests: number; bytes: number }): void;
  /** FETCH_TIMEOUT, in milliseconds. */
  timeoutMs: number;
}

/** A mirror in which somebody else writes for longer than this is not waited for. */
const MAX_WAIT_MS = 60_000;
const NOTHING: ReadonlySet<string> = new Set();

/** Fetches objects that no ref of the mirror leads to, because readers want them. */
export function createFetch(ports: FetchPorts): BringPorts["fetch"] {
  return async (id, objects, signal) => {
    const release = ports.hold(id);
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(MAX_WAIT_MS)]);
      return await ports.write(id, patience, () => fetchAlone(ports, { id, objects, signal }));
    } finally {
      release();
    }
  };
}

interface Wanted {
  id: number;
  objects: () => readonly string[];
  signal: AbortSignal;
}

async function fetchAlone(ports: FetchPorts, { id, objects, signal }: Wanted): Promise<ReadonlySet<string>> {
  const { mirrors } = ports;
  const repository = ports.find(id);
  if (repository === null) return NOTHING;
  ports.requireSpace();
  await ports.yieldToFetch(id, { all: !mirrors.trusts(id) });
  if (!(await mirrors.ensure(id))) return NOTHING;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ports.timeoutMs)]);
  const fetched = await ports.lend(id, async () => {
    const some = await fetchWants(ports, repository, { wants: objects(), signal: deadline });
    if (some.length > 0) await confirmName(ports, repository);
    return some;
  });
  if (fetched.length === 0) return NOTHING;
  // The refs are looked at before: those of an earlier process count from now on.
  const dropped = await mirrors.dropServed(id);
  const kept = await mirrors.keepServed(id, fetched);
  ports.onChanged(id, [...dropped, ...kept, ...(await mirrors.dropServed(id))]);
  return new Set(fetched);
}

/** git asks GitHub for nothing that is here with all that it leads to. @returns the objects that are here now */
async function fetchWants(
  ports: FetchPorts,
  repository: Fetched,
  { wants, signal }: { wants: readonly string[]; signal: AbortSignal },
): Promise<readonly string[]> {
  const { id } = repository;
  const bases = await ports.basesOf(id);
  const lease = ports.openLease(repository);
  const fetchSome = async (some: readonly string[]) => {
    try {
      await ports.mirrors.fetch(id, lease, [...some], bases, { signal });
      return some;
    } catch (error) {
      if (asRefreshError(error).code !== "not_yet") throw error;
      return [];
    }
  };
  try {
    const all = await fetchSome(wants);
    if (all.length > 0 || wants.length === 1) return all;
    // One that GitHub does not give any more fails the others.
    const each: string[] = [];
    for (const want of wants) each.push(...(await fetchSome([want])));
    return each;
  } finally {
    lease.close();
    ports.onFetched(lease.stats);
  }
}

/** Whoever may read a repository that has taken the name since may not be the mirror's reader. @throws RefreshError */
async function confirmName(ports: FetchPorts, repository: Fetched): Promise<void> {
  const now = await ports.nameOf(repository);
  if (now !== null && fullName(now).toLowerCase() === fullName(repository).toLowerCase()) return;
  throw new RefreshError("moved", `${fullName(repository)} is now another repository's name`);
}
