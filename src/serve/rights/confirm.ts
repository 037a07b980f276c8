import type { RepositoryName } from "../../base/model.js";

export interface ConfirmPorts {
  /** Asks with the App's token which name the repository has now; null: the App cannot see it. @throws RefreshError */
  nameOf(installationId: number, id: number): Promise<RepositoryName | null>;
  /** A monotonic clock, in milliseconds. */
  clock(): number;
  pause(ms: number): Promise<unknown>;
}

/** A repository is asked for at most once in this time; whoever comes meanwhile waits for the next answer. */
const SPACING_MS = 1_000;
/** Idle repositories are forgotten once there are so many. */
const MAX_STATES = 10_000;

interface Asked {
  askedAt: number;
  name: Promise<RepositoryName | null>;
}

interface State {
  /** The last question that was asked, answered or not; null: its answer was dropped. */
  last: Asked | null;
  /** When the last question was asked, whatever became of it. */
  askedAt: number;
  /** A question that will be asked. */
  next: Promise<RepositoryName | null> | null;
}

/**
 * Confirms which name a repository has. GitHub's yes to a reader is about a name, and a mirror belongs to an id: between
 * the two the name may have gone to another repository.
 */
export function createConfirmations({ nameOf, clock, pause }: ConfirmPorts) {
  const states = new Map<number, State>();

  function stateOf(id: number): State {
    const state = states.get(id) ?? { last: null, askedAt: Number.NEGATIVE_INFINITY, next: null };
    states.delete(id);
    states.set(id, state);
    if (states.size > MAX_STATES) forgetOldest();
    return state;
  }

  function forgetOldest(): void {
    for (const [id, { next }] of states) {
      if (next === null) return void states.delete(id);
    }
  }

  async function askNext(state: State, repository: { id: number; installationId: number }) {
    await state.last?.name.catch(() => {});
    const waitMs = state.askedAt + SPACING_MS - clock();
    if (waitMs > 0) await pause(waitMs);
    state.next = null;
    state.askedAt = clock();
    const name = nameOf(repository.installationId, repository.id);
    const asked = { askedAt: state.askedAt, name };
    state.last = asked;
    name.catch(() => {
      if (state.last === asked) state.last = null;
    });
    return name;
  }

  return {
    /**
     * Returns the repository's name as the App's token was told at `after` or later; null: the App cannot see it.
     * @throws RefreshError
     */
    confirm(repository: { id: number; installationId: number }, after: number) {
      const state = stateOf(repository.id);
      if (state.last && state.last.askedAt >= after) return state.last.name;
      state.next ??= askNext(state, repository);
      return state.next;
    },
    /** Believes no earlier answer any more. @param id null: of every repository */
    forget(id: number | null): void {
      for (const state of id === null ? states.values() : [states.get(id)]) if (state) state.last = null;
    },
  };
}

export type Confirmations = ReturnType<typeof createConfirmations>;
