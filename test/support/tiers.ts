const REAL = "test/**/*.real.test.ts";
const WHOLE = ["test/whole/**/*.test.ts", "test/clients/**/*.test.ts"];

interface Tier {
  include: string[];
  exclude: string[];
  /**
   * Whether each file has its own process; otherwise files share two, which saves imports. A shared process grows to
   * 700 MB, and a fork copies its page tables: starting a program then costs 25 ms of a processor instead of 8.
   */
  isolate: boolean;
  /**
   * The time limits of a test, and of what it polls for. They end what hangs, and say nothing about speed: a busy machine, or
   * one that stands still for a while, is slow.
   */
  testTimeout: number;
  expect: { poll: { timeout: number } };
}

const within = (minutes: number) => ({
  testTimeout: minutes * 60_000,
  expect: { poll: { timeout: (minutes * 60_000) / 3 } },
});

/**
 * The tiers of the tests; a file's name and folder determine its tier (docs/adr/0022-tests-in-tiers.md). Tiers
 * run in this order, the longest files first, so that no long file runs alone at the end.
 */
export const TIERS: Record<"whole" | "real" | "quick", Tier> = {
  /** Tests of the built program, in processes of their own, and of other people's programs that read from it. */
  whole: { include: WHOLE, exclude: [], isolate: true, ...within(10) },
  /** Tests with real git, and Lockstep in the test's own process. */
  real: { include: [REAL], exclude: WHOLE, isolate: true, ...within(10) },
  /** Tests that start no program and need no build. */
  quick: {
    include: ["test/**/*.test.ts"],
    exclude: [...WHOLE, REAL],
    isolate: false,
    ...within(3),
  },
};
