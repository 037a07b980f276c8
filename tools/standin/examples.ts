import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../package-root.js";

export type Json = Record<string, unknown>;

/** An event and real payloads of it, as @octokit/webhooks-examples has them. */
export interface Examples {
  name: string;
  examples: Json[];
}

/** Where `npm run build:tools` writes those that are used: the package has 9 MB, and is not there in ours. */
export const EXAMPLES_FILE = join(packageRoot(), ".build/tools/standin/examples.json");

let all: Examples[] | undefined;

/** A real payload of that event, if there is one of that action, to be changed freely. */
export function exampleOf(event: string, action?: string): Json {
  all ??= readExamples();
  return structuredClone(chosenFrom(all, event, action));
}

export function chosenFrom(from: Examples[], event: string, action?: string): Json {
  const found = from.find((it) => it.name === event)?.examples;
  if (!found) throw new Error(`no example of the event ${event}`);
  // Of pushes, one to a branch: it carries commits.
  const fits = (it: Json) => (action ? it.action === action : String(it.ref).startsWith("refs/heads/"));
  return found.find(fits) ?? found[0]!;
}

function readExamples(): Examples[] {
  try {
    return (JSON.parse(readFileSync(EXAMPLES_FILE, "utf8")) as { events: Examples[] }).events;
  } catch (cause) {
    throw new Error("GitHub's example payloads are not there: npm run build:tools", { cause });
  }
}
