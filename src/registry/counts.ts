import type { Store } from "../store/database.js";

export interface Counts {
  /** Returns the number of repositories in each state. */
  states(): Record<string, number>;
  /**
   * Returns how many repositories are to be mirrored, and how many of them were cloned. Those that are gone, retired,
   * suspended or paused do not count.
   */
  mirrors(): { managed: number; cloned: number };
}

/** An operator cannot pause what is not mirrored. */
const AT_REST = ["gone", "retired", "suspended"];

/** Counts repositories by one walk over an index in its order: open pages and monitors ask often. */
export function createCounts(store: Store): Counts {
  const byState = store.prepare(
    `SELECT state, count(*) AS n, count(paused_at) AS paused FROM repositories INDEXED BY repositories_ages
     GROUP BY state`,
  );
  const read = () =>
    byState.all().map(({ state, n, paused }) => {
      const isAtRest = AT_REST.includes(String(state));
      const pausedOnes = isAtRest ? 0 : Number(paused);
      return { state: String(state), isAtRest, shown: Number(n) - pausedOnes, paused: pausedOnes };
    });
  return {
    // A running repository counts by its stored state.
    states() {
      const counts = read();
      const paused = counts.reduce((sum, one) => sum + one.paused, 0);
      const shown = counts.filter((one) => one.shown > 0).map((one) => [one.state, one.shown] as const);
      return Object.fromEntries(paused > 0 ? [...shown, ["paused", paused] as const] : shown);
    },
    mirrors() {
      const managed = read().filter((one) => !one.isAtRest);
      const sum = (of: typeof managed) => of.reduce((all, { shown }) => all + shown, 0);
      return { managed: sum(managed), cloned: sum(managed.filter(({ state }) => state !== "onboarding")) };
    },
  };
}
