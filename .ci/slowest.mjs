// Prints the ten test files that took longest. usage: node .ci/slowest.mjs <Vitest's report as JSON>
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const { testResults } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const files = testResults.map(({ name, assertionResults }) => ({
  name: relative("", name),
  ms: assertionResults.reduce((sum, { duration }) => sum + (duration ?? 0), 0),
}));
files.sort((a, b) => b.ms - a.ms);

console.log("the slowest test files, in seconds:");
for (const { name, ms } of files.slice(0, 10)) console.log(`${(ms / 1000).toFixed(1).padStart(7)}  ${name}`);
