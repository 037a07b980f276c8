import { expect, test } from "vitest";
import { onCommandLine, onPage } from "../../src/http/dialect.js";
import { type Judged, sharesOf, verdictOf } from "../../src/http/verdict.js";

const ALL_WELL: Judged = {
  state: "fresh",
  mirrors: { managed: 303, cloned: 303 },
  repositories: { fresh: 303 },
  oldestUnprovenMs: 240_000,
  ...{ attentionTotal: 0, heldRepositories: 0, queue: { outages: [] } },
};
const of = (more: Partial<Judged>) => verdictOf({ ...ALL_WELL, ...more });

test("all is well", () => {
  expect(of({})).toEqual({
    mood: "good",
    title: "All 303 repositories are in step",
    detail: "Each mirror was proven equal to GitHub in the last 4 min.",
    brief: "all in step",
  });
});

test.each<[string, Partial<Judged>, mood: string, title: string]>([
  [
    "failures",
    { state: "stale", repositories: { fresh: 300, failing: 3 }, attentionTotal: 3 },
    "bad",
    "3 of 303 repositories are not in step",
  ],
  ["a held ref", { heldRepositories: 1, attentionTotal: 1 }, "warn", "1 of 303 repositories is not in step"],
  [
    "a push that GitHub does not show yet",
    { repositories: { fresh: 302, behind: 1 } },
    "busy",
    "1 of 303 repositories is not in step",
  ],
  [
    "a fault of the whole",
    { state: "stale", attentionTotal: 1 },
    "warn",
    "All 303 repositories are in step, as far as is known",
  ],
  [
    "cloning",
    { state: "cloning", mirrors: { managed: 120, cloned: 31 }, repositories: { fresh: 31, onboarding: 89 } },
    "busy",
    "Cloning: 31 of 120 repositories done",
  ],
  [
    "an outage",
    { queue: { outages: [{ server: "github.com", since: "2026-01-05T14:03:00.000Z", nextProbeAt: null }] } },
    "bad",
    "GitHub has been unreachable since 14:03 UTC",
  ],
  [
    "nothing",
    { state: "empty", mirrors: { managed: 0, cloned: 0 }, repositories: {} },
    "none",
    "No repository is mirrored yet",
  ],
  [
    "everything paused",
    { state: "empty", mirrors: { managed: 0, cloned: 0 }, repositories: { paused: 2 } },
    "none",
    "No repository is being mirrored",
  ],
])("%s", (_, more, mood, title) => {
  expect(of(more)).toMatchObject({ mood, title });
});

test("what is said below the headline says why, and what is left to do", () => {
  const failing = { state: "stale", repositories: { fresh: 300, failing: 3 }, attentionTotal: 3 } as const;
  expect(of({ ...failing, heldRepositories: 1 }).detail).toBe(
    "3 failing, 1 with held refs. The oldest proof is from 4 min ago.",
  );
  const cloning = { mirrors: { managed: 120, cloned: 31 }, repositories: { fresh: 31, onboarding: 89 } };
  // The oldest age is that of a repository without a mirror.
  expect(of({ state: "cloning", ...cloning }).detail).toBe("89 not cloned yet.");
  expect(of({ state: "stale", attentionTotal: 1 }).detail).toMatch(/^1 needs attention\. Each mirror/);
});

test("a proof is dated in whole seconds, and never earlier than it was made", () => {
  const detailAfter = (oldestUnprovenMs: number) => of({ oldestUnprovenMs }).detail;
  expect(detailAfter(984)).toBe("Each mirror was proven equal to GitHub in the last second.");
  expect(detailAfter(1_001)).toBe("Each mirror was proven equal to GitHub in the last 2 s.");
  const one = { mirrors: { managed: 1, cloned: 1 }, repositories: { fresh: 1 }, oldestUnprovenMs: 984 };
  expect(of(one).detail).toBe("It was proven equal to GitHub 1 s ago.");
});

test("an outage names the server that does not answer", () => {
  const at = (server: string) =>
    of({ queue: { outages: [{ server, since: "2026-01-05T14:03:00.000Z", nextProbeAt: null }] } });
  expect(at("git.example.com")).toMatchObject({
    title: "git.example.com has been unreachable since 14:03 UTC",
    brief: "git.example.com is unreachable",
  });
  expect(at("GitHub's API").brief).toBe("GitHub is unreachable");
});

test("the shares of a bar are together all that is to be mirrored", () => {
  const repositories = { fresh: 90, failing: 4, behind: 1, onboarding: 5, paused: 7, gone: 9 };
  const shares = sharesOf({ mirrors: { managed: 100, cloned: 95 }, repositories, heldRepositories: 2 });
  expect(shares).toEqual({ inStep: 88, failing: 4, held: 2, cloning: 5, late: 1 });
});

test("a remedy is said in the words of the surface", () => {
  const call = "restore the App's access, or POST /api/v1/installations/3/confirm-removal";
  expect(onPage(call)).toBe("restore the App's access, or confirm the removal");
  expect(onCommandLine(call)).toBe(call);
  const queue = "see the queue in GET /api/v1/status and the server's log";
  expect(onPage(queue)).toBe("see the queue under Server and the server's log");
  expect(onCommandLine(queue)).toBe("see lockstep queue and the server's log");
  const resume = "resume it first: POST …/resume";
  expect(onPage(resume)).toBe("resume it first");
  expect(onCommandLine(resume)).toBe("resume it first: lockstep resume OWNER/NAME");
});
