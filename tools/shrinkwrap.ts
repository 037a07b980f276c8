import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-root.js";

/**
 * Writes npm-shrinkwrap.json, which npm packs: an installation of the package then has the very versions that were tested,
 * and not the newest that the ranges of package.json allow. It is package-lock.json without what only development needs.
 * https://docs.npmjs.com/cli/configuring-npm/npm-shrinkwrap-json
 */

interface Lock {
  packages: Record<string, { dev?: boolean; devDependencies?: unknown }>;
}

const root = packageRoot();
const [argument] = process.argv.slice(2);
const isRemoved = argument === "--remove";
const file = isRemoved || argument === undefined ? join(root, "npm-shrinkwrap.json") : argument;

if (isRemoved) {
  // In the clone npm would take it for the lock.
  rmSync(file, { force: true });
} else {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  for (const [path, { dev }] of Object.entries(lock.packages)) if (dev) delete lock.packages[path];
  delete lock.packages[""]!.devDependencies;
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
