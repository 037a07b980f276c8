import type { HeldView, OutageView } from "../http/log-view.js";
import { ago, print } from "./print.js";

/** Prints what requests wait for: GitHub's rate limits, and servers that do not answer. */
export function printWaits({ held, outages }: { held: HeldView[]; outages: OutageView[] }): void {
  for (const { what, until } of held)
    print(`held          until ${until.slice(11, 19)} by GitHub's rate limit (${what})`);
  for (const { server, since, nextProbeAt } of outages)
    print(`out           ${server} for ${ago(since)}; next probe ${probeIn(nextProbeAt)}`);
}

function probeIn(at: string | null): string {
  if (at === null) return "as soon as a request has a slot";
  return `in ${Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1_000))}s`;
}
