// Prints "N passed, N failed", and exits with 1 unless all passed.
// usage: node .ci/count.mjs <Vitest's report as JSON> <the exit code of what ran>
import { existsSync, readFileSync } from "node:fs";

// What ended the run before its tests counts as one failure.
const none = { numPassedTests: 0, numFailedTests: 1, numTotalTestSuites: 0, success: false };
const [, , report, code] = process.argv;
const result = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : none;
const { numPassedTests: passed, numFailedTests: failed, numTotalTestSuites: suites, success } = result;

// A file that could not be loaded, or whose process ended: the report may lack it.
const broken = failed === 0 && (!success || code !== "0") ? 1 : 0;
console.log(`${passed} passed, ${failed + broken} failed`);
process.exitCode = suites > 0 && failed + broken === 0 ? 0 : 1;
