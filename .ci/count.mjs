// Prints "N passed, N failed", and exits with 1 unless all passed. usage: node .ci/count.mjs <Vitest's report as JSON>
import { existsSync, readFileSync } from "node:fs";

// What ended the run before its tests counts as one failure.
const none = { numPassedTests: 0, numFailedTests: 1, numTotalTestSuites: 0, success: false };
const [, , report] = process.argv;
const result = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : none;
const { numPassedTests: passed, numFailedTests: failed, numTotalTestSuites: suites, success } = result;

const broken = failed === 0 && !success ? 1 : 0; // a file that could not be loaded
console.log(`${passed} passed, ${failed + broken} failed`);
process.exitCode = suites > 0 && failed + broken === 0 ? 0 : 1;
