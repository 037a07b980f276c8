const REAL = "test/**/*.real.test.ts";
const ALONE = "test/**/*.alone.real.test.ts";
const WHOLE = "test/whole/**/*.test.ts";

interface Tier {
  include: string[];
  exclude: string[];
  /** A process of its own for each file; otherwise files share two, which saves each the imports. */
  isolate: boolean;
  /** The end of a test that hangs. Those that start programs are given more: a busy machine takes its time. */
  testTimeout: number;
}

const MINUTE_MS = 60_000;

/**
 * The tiers of the tests: a file's name and folder say in which one it is (docs/adr/0022-tests-in-tiers.md).
 * They run in this order: the longest files first, so that none of them is alone at the end.
 */
export const TIERS: Record<"whole" | "real" | "alone" | "quick", Tier> = {
  /** What is built, in programs of its own. */
  whole: { include: [WHOLE], exclude: [], isolate: false, testTimeout: 3 * MINUTE_MS },
  /** Real git, and Lockstep in the test's own process. */
  real: { include: [REAL], exclude: [WHOLE, ALONE], isolate: false, testTimeout: 3 * MINUTE_MS },
  /** The part of `real` that changes its own process for good. */
  alone: { include: [ALONE], exclude: [WHOLE], isolate: true, testTimeout: 3 * MINUTE_MS },
  /** No program is started, and no build is needed. */
  quick: { include: ["test/**/*.test.ts"], exclude: [WHOLE, REAL], isolate: false, testTimeout: MINUTE_MS },
};
