import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { ACTIONS } from "./standin/events.js";
import { chosenFrom, EXAMPLES_FILE, type Examples } from "./standin/examples.js";

/** Writes GitHub's example payloads that the stand-in uses: a part of `npm run build:tools`. */

const PACKAGE = "@octokit/webhooks-examples";
const require = createRequire(import.meta.url);
const all = require(PACKAGE) as Examples[];
const { version, license } = require(`${PACKAGE}/package.json`) as { version: string; license: string };

const actions: Record<string, readonly string[]> = { push: [], ...ACTIONS };
const events = all
  .filter(({ name }) => name in actions)
  .map(({ name, examples }): Examples => {
    const used = [undefined, ...actions[name]!].map((action) => chosenFrom(all, name, action));
    // The order is kept: the first example is used for an action without an example.
    return { name, examples: examples.filter((it) => used.includes(it)) };
  });
mkdirSync(dirname(EXAMPLES_FILE), { recursive: true });
writeFileSync(EXAMPLES_FILE, JSON.stringify({ from: `${PACKAGE} ${version}, ${license} license`, events }));
