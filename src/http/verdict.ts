import { counted, countedRepositories, spokenAtMost } from "../base/units.js";
import type { StatusView } from "./status-view.js";

/** good: nothing to do. busy: Lockstep is at it. warn, bad: somebody should look. none: nothing is mirrored. */
export type Mood = "good" | "busy" | "warn" | "bad" | "none";

/** The whole in words, the same for the page and the command line. */
export interface Verdict {
  mood: Mood;
  /** One line in large letters, such as `3 of 303 repositories are not in step`. */
  title: string;
  /** What else one wants to know at once. */
  detail: string;
  /** A few words for the title of a tab, such as `3 need attention`. */
  brief: string;
}

export type Judged = Pick<
  StatusView,
  "state" | "mirrors" | "repositories" | "oldestUnprovenMs" | "attentionTotal" | "heldRepositories"
> & { queue: Pick<StatusView["queue"], "outages"> };

const repositoriesAre = (count: number) => counted(count, "repository is", "repositories are");

/** How many of the repositories that are to be mirrored equal GitHub, are not cloned yet, and are neither. */
export function sharesOf({
  mirrors: { managed, cloned },
  repositories,
  heldRepositories,
}: Pick<Judged, "mirrors" | "repositories" | "heldRepositories">) {
  const { fresh = 0, failing = 0 } = repositories;
  // The two are not counted at the same moment.
  const held = Math.min(heldRepositories, fresh);
  const cloning = Math.max(0, managed - cloned);
  const inStep = fresh - held;
  return { inStep, failing, held, cloning, late: Math.max(0, managed - inStep - failing - held - cloning) };
}

/** Says how all repositories are. The first thing that is wrong decides. */
export function verdictOf(status: Judged): Verdict {
  const { state, mirrors, queue, attentionTotal } = status;
  const { managed, cloned } = mirrors;
  const shares = sharesOf(status);
  const [outage] = queue.outages;
  const brief = counted(attentionTotal, "needs attention", "need attention");
  if (outage) {
    const { server, since } = outage;
    const name = isGitHub(server) ? "GitHub" : server;
    const title = `${name} has been unreachable since ${since.slice(11, 16)} UTC`;
    const detail = `${repositoriesAre(shares.inStep)} in step with what GitHub had then. The mirrors catch up by themselves when it answers again.`;
    return { mood: "bad", title, detail, brief: `${name} is unreachable` };
  }
  if (state === "empty") return emptyVerdict(status, brief);
  const behind = managed - shares.inStep;
  const parts = [
    behind > 0 ? behindIn(shares) : "",
    resting(status),
    oldestProof(status, { isInStep: behind === 0 }),
  ];
  if (behind === 0 && attentionTotal > 0) parts.unshift(`${brief}.`);
  const detail = parts.filter(Boolean).join(" ");
  const bad = shares.failing + shares.held;
  if (state === "cloning" || (cloned < managed && bad === 0 && attentionTotal === 0))
    return {
      mood: "busy",
      title: `Cloning: ${cloned.toLocaleString("en")} of ${countedRepositories(managed)} done`,
      detail,
      brief: `cloning, ${cloned.toLocaleString("en")} of ${managed.toLocaleString("en")} done`,
    };
  if (behind > 0) {
    const mood = bad > 0 || state === "stale" ? (shares.failing > 0 ? "bad" : "warn") : "busy";
    return {
      mood,
      title: notInStep(behind, managed),
      detail,
      brief: attentionTotal > 0 ? brief : `${behind.toLocaleString("en")} not in step`,
    };
  }
  const all = managed === 1 ? "The repository is in step" : `All ${repositoriesAre(managed)} in step`;
  if (state === "stale") return { mood: "warn", title: `${all}, as far as is known`, detail, brief: brief };
  return { mood: "good", title: all, detail, brief: attentionTotal > 0 ? brief : "all in step" };
}

/** Begins with what is wrong: a large number that are well reads as good news. */
function notInStep(behind: number, managed: number): string {
  if (managed === 1) return "The repository is not in step";
  const some = `${behind.toLocaleString("en")} of ${countedRepositories(managed)}`;
  return `${some} ${behind === 1 ? "is" : "are"} not in step`;
}

const isGitHub = (server: string) => /^github\.com$|^GitHub/.test(server);

/** Those that are not counted, since nobody expects them to be in step. */
function resting({ repositories: { paused = 0, suspended = 0 } }: Judged): string {
  const parts = [
    paused > 0 ? `${paused.toLocaleString("en")} paused` : "",
    suspended > 0 ? `${suspended.toLocaleString("en")} suspended` : "",
  ];
  const said = parts.filter(Boolean).join(", ");
  return said && `Not counted: ${said}.`;
}

/** Why some are not in step, such as `2 failing, 1 held.` */
function behindIn({ failing, held, cloning, late }: ReturnType<typeof sharesOf>): string {
  const counts: [number, string][] = [
    [failing, "failing"],
    [held, "with held refs"],
    [cloning, "not cloned yet"],
    [late, "not compared yet"],
  ];
  const said = counts.filter(([count]) => count > 0);
  return `${said.map(([count, word]) => `${count.toLocaleString("en")} ${word}`).join(", ")}.`;
}

/** A repository without a mirror has an age, too, so nothing is said of all mirrors until each is cloned. */
function oldestProof(
  { oldestUnprovenMs, mirrors: { managed, cloned } }: Judged,
  { isInStep }: { isInStep: boolean },
): string {
  if (oldestUnprovenMs === null || cloned < managed) return "";
  const ago = spokenAtMost(oldestUnprovenMs);
  // Beside what is not in step, the other sentence reads as if all were well.
  if (!isInStep) return `The oldest proof is from ${ago} ago.`;
  return managed === 1
    ? `It was proven equal to GitHub ${ago} ago.`
    : `Each mirror was proven equal to GitHub in the last ${ago === "1 s" ? "second" : ago}.`;
}

function emptyVerdict({ repositories, attentionTotal }: Judged, brief: string): Verdict {
  const { paused = 0, suspended = 0 } = repositories;
  const resting = paused + suspended;
  const title = resting > 0 ? "No repository is being mirrored" : "No repository is mirrored yet";
  const detail =
    resting > 0
      ? `${repositoriesAre(resting)} paused or suspended.`
      : "The App sees no repository. Install it on a GitHub account, and its repositories appear here.";
  return {
    mood: attentionTotal > 0 ? "warn" : "none",
    title,
    detail: attentionTotal > 0 ? `${brief}. ${detail}` : detail,
    brief: "nothing is mirrored",
  };
}
