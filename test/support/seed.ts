import fc from "fast-check";

// What is random is new in each run, unless a seed is given.
const { TEST_SEED } = process.env;
if (TEST_SEED) fc.configureGlobal({ seed: Number(TEST_SEED) });
