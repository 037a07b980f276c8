import fc from "fast-check";
import { afterEach, vi } from "vitest";

// Random values differ in each run, unless a seed is given.
const { TEST_SEED } = process.env;
if (TEST_SEED) fc.configureGlobal({ seed: Number(TEST_SEED) });

// Quick test files share processes: with a clock that one of them leaves standing, another one waits for ever.
afterEach(() => void vi.useRealTimers());
