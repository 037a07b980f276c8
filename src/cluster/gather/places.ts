import type { Order, RankedView } from "../../http/overview.js";

/** Where a repository is in the list: owner, name, id. */
export type RepositoryPlace = [string, string, number];

/** As SQLite compares: letters of ASCII regardless of their case. GitHub's names have no other letters. */
export function comparePlaces(a: RepositoryPlace, b: RepositoryPlace): number {
  for (const n of [0, 1] as const) {
    const [left, right] = [a[n].toLowerCase(), b[n].toLowerCase()];
    if (left !== right) return left < right ? -1 : 1;
  }
  return a[2] - b[2];
}

type Compare = (a: RankedView, b: RankedView) => number;

const byName: Compare = (a, b) => comparePlaces([a.owner, a.name, a.id], [b.owner, b.name, b.id]);
const byText = (a: string | null, b: string | null): number => ((a ?? "") < (b ?? "") ? -1 : a === b ? 0 : 1);

/** The states in the order of the page, the worst first. */
const WORST = [
  "failing",
  "incomplete",
  "behind",
  "suspended",
  "onboarding",
  "paused",
  "fresh",
  "gone",
  "retired",
];

function rankOf({ state, lastError }: RankedView): number {
  if (state === "onboarding" && lastError !== null) return 0;
  // A refresh that goes on hides the state.
  return WORST.indexOf(state === "refreshing" ? (lastError === null ? "fresh" : "failing") : state);
}

/** The orders of the page's list, as each node has them in its database. */
export const ORDERS: Readonly<Record<Order, Compare>> = {
  worst: (a, b) => rankOf(a) - rankOf(b) || byName(a, b),
  name: byName,
  lag: (a, b) => (b.lagMs ?? -1) - (a.lagMs ?? -1) || byName(a, b),
  pushed: (a, b) => byText(b.pushedAt, a.pushedAt) || byName(a, b),
  proven: (a, b) => byText(a.lastProvenAt, b.lastProvenAt) || byName(a, b),
};
