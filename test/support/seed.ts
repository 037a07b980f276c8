import fc from "fast-check";

// Random values differ in each run, unless a seed is given.
const { TEST_SEED } = process.env;
if (TEST_SEED) fc.configureGlobal({ seed: Number(TEST_SEED) });
