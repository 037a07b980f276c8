import { latestBelieved } from "../base/clock.js";
import type { RefreshError } from "../base/errors.js";
import type { RepositoryName, RepositoryState } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import type { Store } from "../store/database.js";
import { type Counts, createCounts } from "./counts.js";
import {
  type ManagedRepository,
  type RefKnowledge,
  type RepositoryIdentity,
  toIdentity,
  toRefKnowledge,
  toRepository,
} from "./rows.js";
import { prepareStatements } from "./statements.js";

export type { ManagedRepository, RefKnowledge } from "./rows.js";

/** Whether Lockstep keeps the repository in step; a gone or retired one is not managed. */
export const isManaged = ({ state }: ManagedRepository) => state !== "gone" && state !== "retired";

/** What GitHub's answer or Lockstep's own work changed of a known repository. */
export interface RepositoryChange {
  before: ManagedRepository;
  after: ManagedRepository;
  /** Whether a repository is gone because REPOSITORIES excludes it, or because other nodes own it. */
  excluded: boolean;
}

export interface Registry extends Counts {
  /** Reports each change of names, facts and states, within its transaction. */
  onChanged: Subscribe<[RepositoryChange]>;
  get(id: number): ManagedRepository | null;
  /** @returns null: the repository is not known, gone or retired */
  managed(id: number): ManagedRepository | null;
  /** Returns what deliveries are compared with, at a third of the cost of `get`; null: the repository is not known. */
  identityOf(id: number): RepositoryIdentity | null;
  /** Returns what several repositories are called, at a tenth of the cost of `get`; one that is not known is left out. */
  namesOf(ids: readonly number[]): Map<number, RepositoryName>;
  find(name: RepositoryName): ManagedRepository | null;
  all(): ManagedRepository[];
  /** Returns the id of every repository, managed or not. */
  ids(): number[];
  /** Returns the ids of the installation's repositories, managed or not. */
  idsOfInstallation(installationId: number): number[];
  /** Records a repository that only a delivery has named. */
  note(id: number, installationId: number, name: RepositoryName): void;
  /** Doubts the name until GitHub confirms it. The repository keeps the name until then. */
  doubt(id: number): void;
  /**
   * Records GitHub's answer; times stored while GitHub's clock was ahead are replaced. @param answeredAt
   * GitHub's clock in whole seconds
   */
  confirm(remote: RemoteRepository, answeredAt: number, askedAt: number): void;
  setState(id: number, state: RepositoryState): void;
  /** Records that the repository belongs to another installation now. */
  moveTo(id: number, installationId: number): void;
  /**
   * Records that GitHub no longer lists the repository, or that REPOSITORIES does not include it. A second
   * call keeps the time of the first.
   */
  /** @param at milliseconds since 1970 */
  markGone(id: number, excluded: boolean, at: number): void;
  /** Deletes all that is known of the repository. */
  forget(id: number): void;
  /** @param at null: resumed */
  pause(id: number, at: number | null): void;
  /** Has the next pass compare every repository in full. */
  recheckAll(): void;
  /**
   * Has the next pass compare every repository in full, marks fresh ones as behind until then, and doubts
   * every name.
   */
  doubtAll(): void;
  /**
   * Returns how many repositories are managed, wikis not counted, and how many GitHub stopped to show since `since` after they
   * were managed for an hour. @param installationId null: of all
   */
  countOf(installationId: number | null, since: number): { managed: number; left: number };
  /** Returns every repository with what `states` and `mirrors` count of it. */
  counted(): { id: number; state: string; isManaged: boolean; isCloned: boolean }[];
  /** Returns those of the ids whose repositories are managed. */
  managedAmong(ids: readonly number[]): number[];
  /** Returns the installation's repositories that are gone since after `since`, but for those that are excluded. */
  goneSince(installationId: number, since: number): number[];
  /** Returns the repositories gone since before `before`, oldest first. */
  goneBefore(before: number): ManagedRepository[];
  /** Returns ids of repositories that are retired and have been gone since before `before`, at most `limit`. */
  retiredBefore(before: number, limit: number): number[];
  /** Deletes the repository's row, unless it is managed again. */
  forgetRetired(id: number): void;
  recordRefresh(id: number, state: RepositoryState, lagMs: number | null): void;
  recordComparison(id: number, at: Comparison): void;
  /**
   * A gone, retired or suspended repository keeps its state: a failure at GitHub does not make it managed
   * again.
   */
  recordFailure(id: number, error: RefreshError, attempt: number): void;
  /** Records why a repository that is not failing is not fresh either; the state stays. */
  recordReason(id: number, reason: RefreshError, attempt: number): void;
  ref(id: number, ref: string): RefKnowledge;
  refs(id: number): Map<string, RefKnowledge>;
  /** A power cut may undo it up to the next transaction that is synced, such as the end of the refresh. */
  learnRef(id: number, ref: string, knowledge: RefKnowledge): void;
}

/** A full comparison, dated by what its answer can prove. */
export interface Comparison {
  /** GitHub's clock at the answer, in whole seconds. */
  comparedAt: number;
  /** The local clock before GitHub was asked for its refs, in milliseconds: a later push is not in the answer. */
  askedAt: number;
  settledPushedAt: number;
  /** Whether the mirror has all that GitHub has, with no ref held. */
  equal: boolean;
}

export function createRegistry(store: Store, now: () => number = Date.now): Registry {
  const sql = prepareStatements(store);
  const changed = createSignal<[RepositoryChange]>();

  /** Listeners write what follows from the change, so it is stored with the change or not at all. */
  function change(id: number, write: () => unknown, { excluded = false } = {}): void {
    store.transaction(() => {
      const before = toRepository(sql.get.get(id));
      write();
      const after = toRepository(sql.get.get(id));
      if (before && after) changed.emit({ before, after, excluded });
    });
  }

  return {
    onChanged: changed.on,
    get: (id) => toRepository(sql.get.get(id)),
    managed(id) {
      const repository = toRepository(sql.get.get(id));
      return repository && isManaged(repository) ? repository : null;
    },
    identityOf(id) {
      const row = sql.identity.get(id);
      return row ? toIdentity(id, row) : null;
    },
    namesOf: (ids) =>
      new Map(
        sql.names
          .all(JSON.stringify(ids))
          .map(({ id, owner, name }) => [Number(id), { owner: String(owner), name: String(name) }]),
      ),
    find: ({ owner, name }) => toRepository(sql.find.get(owner, name)),
    all: () => sql.all.all().map((row) => toRepository(row)!),
    ids: () => sql.ids.all().map(({ id }) => Number(id)),
    idsOfInstallation: (installationId) => sql.idsOf.all(installationId).map(({ id }) => Number(id)),
    note: (id, installationId, { owner, name }) => void sql.note.run(id, installationId, owner, name, now()),
    doubt: (id) => void sql.doubt.run(id),
    confirm(remote, answeredAt, askedAt) {
      const { id, installationId, owner, name, defaultBranch, pushedAt, visibility, archived } = remote;
      const facts = [defaultBranch, pushedAt, visibility, archived === null ? null : Number(archived)];
      const times = [answeredAt, askedAt, now(), now()];
      change(id, () => sql.confirm.run(id, installationId, owner, name, ...facts, ...times));
    },
    setState: (id, state) => change(id, () => sql.state.run(state, id)),
    moveTo: (id, installationId) => void sql.moveTo.run(installationId, id),
    markGone: (id, excluded, at) =>
      change(id, () => sql.markGone.run(at, excluded ? 1 : 0, id), { excluded }),
    forget: (id) => void sql.forget.run(id),
    pause: (id, at) => void sql.pause.run(at, id),
    recheckAll: () => void sql.recheckAll.run(),
    doubtAll: () => void sql.doubtAll.run(),
    countOf(installationId, since) {
      const row = sql.count.get(since, installationId, installationId);
      return { managed: Number(row?.managed), left: Number(row?.left_since ?? 0) };
    },
    counted: () =>
      sql.counted.all().map(({ id, shown, managed, cloned }) => ({
        id: Number(id),
        state: String(shown),
        isManaged: managed === 1,
        isCloned: cloned === 1,
      })),
    ...createCounts(store),
    goneBefore: (before) => sql.goneBefore.all(before).map((row) => toRepository(row)!),
    managedAmong: (ids) => sql.managedAmong.all(JSON.stringify(ids)).map(({ id }) => Number(id)),
    goneSince: (installationId, since) =>
      sql.goneSince.all(installationId, since).map(({ id }) => Number(id)),
    retiredBefore: (before, limit) => sql.retiredBefore.all(before, limit).map(({ id }) => Number(id)),
    forgetRetired: (id) => void sql.forgetRetired.run(id),
    recordRefresh: (id, state, lagMs) => change(id, () => sql.refreshed.run(state, now(), lagMs, id)),
    recordComparison(id, at) {
      const fullAt = at.equal ? at.askedAt : null;
      sql.compared.run(at.comparedAt, at.settledPushedAt, fullAt, id);
      // The comparison's clock now proves what these rows proved; a row about a move of the last minute is
      // still needed. A move ahead of the clock was stored while the clock was wrong.
      sql.forgetRefs.run(id, at.comparedAt, now() - 60_000, latestBelieved(now()));
    },
    recordFailure(id, error, attempt) {
      sql.failed.run(error.code, error.message, error.hint, now(), attempt, id);
    },
    recordReason(id, { code, message, hint }, attempt) {
      sql.explained.run(code, message, hint, now(), attempt, id);
    },
    ref(id, ref) {
      const row = sql.ref.get(id, ref);
      return row ? toRefKnowledge(row) : { pushedAt: -1, movedAt: 0, movedFrom: null };
    },
    refs: (id) => new Map(sql.refs.all(id).map((row) => [String(row.ref), toRefKnowledge(row)])),
    learnRef: (id, ref, { pushedAt, movedAt, movedFrom }) =>
      void store.unsynced(() => sql.learnRef.run(id, ref, pushedAt, movedAt, movedFrom)),
  };
}
