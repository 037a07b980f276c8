import type { Facts } from "../store/facts.js";
import type { Problem } from "./problems.js";

/** The latest push that GitHub reported, and did not show within a day. */
interface Abandoned {
  at: number;
  repository: string;
  ref: string;
  tip: string;
  count: number;
}

/** Such a push counts as a problem for this long. */
const SHOWN_MS = 7 * 24 * 3_600_000;
const FACT = "pushes-abandoned";

/** Pushes that GitHub reported and never showed. They are on disk, because a restart does not make them good. */
export function createAbandonedPushes({ facts, now }: { facts: Facts; now(): number }) {
  const latest = (): Abandoned | null => {
    const known = facts.get<Abandoned>(FACT);
    return known && now() - known.at <= SHOWN_MS ? known : null;
  };
  return {
    add(repository: string, ref: string, tip: string): void {
      facts.set(FACT, { at: now(), repository, ref, tip, count: (latest()?.count ?? 0) + 1 });
    },
    problems(): Problem[] {
      const known = latest();
      return known ? [toProblem(known)] : [];
    },
  };
}

function toProblem({ at, repository, ref, tip, count }: Abandoned): Problem {
  const which = count === 1 ? "a push" : `${count} pushes, the latest`;
  return {
    code: "push_never_shown",
    since: at,
    detail: `GitHub reported ${which} of ${repository} ${ref} to ${tip}, and did not show it within a day`,
    remedy: "compare the ref with GitHub; if GitHub lacks the push, push it again",
  };
}
