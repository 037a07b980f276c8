import { ERROR_CODES, type ErrorCode, hasTrait, meaningOf } from "../base/error-codes.js";
import { formatSize, iso } from "../base/units.js";
import { type DiskState, describeFull, type Full } from "../machine/disk.js";
import type { Problem } from "./problems.js";

/** This many refreshes in a row fail for a reason that is no single repository's. */
const FAILURES = 3;
/** A shorter wait that GitHub asks for, or a shorter outage, delays nothing that matters, in milliseconds. */
const SHORT_MS = 60_000;

/** Results that prove that work is possible. */
const SUCCESSES = ["changed", "unchanged", "cloned", "superseded"];

/** Counts refreshes that fail for what keeps every refresh from succeeding, such as a missing git. */
export interface Failures {
  /** @param result a result of a refresh, or the code of its failure */
  note(result: string): void;
  problems(): Problem[];
}

export function createFailures(now: () => number): Failures {
  let row: { code: ErrorCode; count: number; since: number } | null = null;
  return {
    note(result) {
      const code = ERROR_CODES.find((one) => one === result);
      if (SUCCESSES.includes(result)) row = null;
      else if (code && concernsAll(code))
        row = { code, count: (row?.count ?? 0) + 1, since: row?.since ?? now() };
    },
    problems() {
      if (row === null || row.count < FAILURES) return [];
      const { code, count, since } = row;
      const detail = `the last ${count} refreshes failed for a reason that concerns all of them, at last ${code}`;
      return [{ code: "refreshes_failing", since, detail, remedy: meaningOf(code).hint }];
    },
  };
}

const concernsAll = (code: ErrorCode): boolean =>
  hasTrait(code, "concernsEveryCall") || hasTrait(code, "concernsEveryRefresh");

/** A full disk is a problem of its own: no refresh or no publish runs, whatever MIN_FREE_DISK is. */
export function diskProblems({ freeBytes, low, full }: DiskState, since: number): Problem[] {
  const free = `${formatSize(freeBytes)} are free on the disk of DATA_DIR`;
  if (full !== null) {
    const detail = `${describeFull(full)}; ${describeStops(full)}`;
    const remedy = `free some ${full.lacks === "files" ? "inodes" : "space"}; whatever waits runs once there is room`;
    return [{ code: "disk_full", since, detail, remedy }];
  }
  if (!low) return [];
  const detail = `${free}; nothing is cloned`;
  return [{ code: "disk_low", since, detail, remedy: "free some space, or lower MIN_FREE_DISK" }];
}

const describeStops = ({ stops }: Full): string => `no ${stops.join(" and no ")} runs until there is more`;

/** @param fault why the database cannot be written; null: it can */
export function storeProblems(fault: string | null, since: number): Problem[] {
  if (fault === null) return [];
  const detail = `the database cannot be written: ${fault}; no delivery is accepted, and no refresh runs`;
  const remedy = "check the disk of DATA_DIR, and owner and mode of DATA_DIR and of lockstep.db in it";
  return [{ code: "database_unwritable", since, detail, remedy }];
}

/** @param limits what GitHub reported; `heldUntil` is in milliseconds since 1970 */
export function holdProblems(
  limits: { whose: string; heldUntil: number }[],
  { now, since }: { now: number; since: number },
): Problem[] {
  const held = limits.filter(({ heldUntil }) => heldUntil - now > SHORT_MS);
  if (held.length === 0) return [];
  const until = iso(Math.max(...held.map(({ heldUntil }) => heldUntil)));
  const detail = `GitHub asked Lockstep to make no calls until ${until} (${held.map(({ whose }) => whose).join(", ")})`;
  const remedy = "wait; if it happens often, raise INTERVAL, or see what else uses the App's calls";
  return [{ code: "github_calls_held", since, detail, remedy }];
}

/** A server of GitHub's that answers nobody, such as `git:github.com` or `rest`, and for how many milliseconds. */
export interface LastingOutage {
  server: string;
  ms: number;
}

/** Runs during an outage use up no attempts, so that no repository would count as failing. */
export function outageProblems(outages: LastingOutage[], now: number): Problem[] {
  const lasting = outages.filter(({ server, ms }) => ms > SHORT_MS && /^(?:git:|rest$)/.test(server));
  if (lasting.length === 0) return [];
  const names = lasting.map(({ server }) =>
    server === "rest" ? "GitHub's API" : server.slice("git:".length),
  );
  const answer = names.length === 1 ? "answers" : "answer";
  const detail = `${names.join(" and ")} ${answer} nobody: time-outs, broken connections or server errors`;
  const remedy = "see https://www.githubstatus.com, and check network, DNS and HTTPS_PROXY";
  const since = now - Math.max(...lasting.map(({ ms }) => ms));
  return [{ code: "server_out", since, detail, remedy }];
}
