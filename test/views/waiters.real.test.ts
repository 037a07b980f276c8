import { mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { createSignal } from "../../src/base/signal.js";
import { createLayout } from "../../src/git/disk/layout.js";
import { createReach } from "../../src/git/mirror/reach.js";
import type { GitCall } from "../../src/git/run/exec.js";
import { createContains } from "../../src/views/wait-for-commit.js";
import type { Settled } from "../../src/worker.js";
import { bareRepository, plainGit, realGit } from "../support/git.js";
import { tempDir } from "../support/temp.js";

const ID = 7;
/** Each waiter has its own signal, as each request has: thousands of listeners on one are slow. */
const never = () => new AbortController().signal;

/** A mirror, and refreshes that end when the test decides. */
function setUp(refspecs = ["refs/heads/*", "refs/tags/v1"]) {
  const layout = createLayout(tempDir());
  const mirror = layout.mirror(ID);
  mkdirSync(dirname(mirror), { recursive: true });
  const { dir, commit } = bareRepository();
  renameSync(dir, mirror);
  const run = realGit();
  const calls: string[] = [];
  const git = (call: GitCall) => {
    calls.push(call.args[0]!);
    return run(call);
  };
  const state = { refreshes: 0, running: false, published: [] as string[] };
  const settled = createSignal<[Settled]>();
  const moved = createSignal<[id: number]>();
  const { wait } = createContains({
    reach: createReach({ git, layout, scopeOf: () => ({ refspecs, depth: null, filter: null }) }),
    hasMirror: () => true,
    published: () => state.published,
    refresh: () => void state.refreshes++,
    isRunning: () => state.running,
    isPublishing: () => false,
    onPublished: createSignal<[id: number]>().on,
    onSettled: settled.on,
    onMoved: moved.on,
    stopping: () => false,
  });
  const child = (parent: string, message = "x") =>
    plainGit(mirror, "commit-tree", "-m", message, "-p", parent, `${parent}^{tree}`);
  const set = (ref: string, sha: string) => plainGit(mirror, "update-ref", ref, sha);
  const ended = () => settled.emit({ key: `repository:${ID}`, error: null });
  return { wait, state, calls, commit, child, set, ended };
}

test("ten thousand waiters cost one refresh, and one search of the mirror each time", async () => {
  const { wait, state, calls, commit, child, set, ended } = setUp();
  const next = child(commit);
  const all = Array.from({ length: 10_000 }, () => wait(ID, next, "mirror", 60_000, never()));
  const first = await wait(ID, next, "mirror", 0, never());
  expect([first, state.refreshes]).toEqual([false, 1]);
  const before = calls.length;
  expect(before).toBe(2);
  set("refs/heads/main", next);
  ended();
  expect(new Set(await Promise.all(all))).toEqual(new Set([true]));
  expect([state.refreshes, calls.slice(before)]).toEqual([1, ["cat-file", "rev-list"]]);
});

test("ten thousand different missing commits cost one git process per refresh", async () => {
  const { wait, state, calls, ended } = setUp();
  const shas = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(40, "0"));
  const leavers = shas.map(() => new AbortController());
  const all = shas.map((sha, n) => wait(ID, sha, "mirror", 60_000, leavers[n]!.signal));
  await wait(ID, shas[0]!, "mirror", 0, never());
  ended();
  await wait(ID, "f".repeat(40), "mirror", 0, never());
  expect([state.refreshes, calls.every((name) => name === "cat-file"), calls.length <= 4]).toEqual([
    1,
    true,
    true,
  ]);
  for (const leaver of leavers) leaver.abort();
  expect(new Set(await Promise.all(all))).toEqual(new Set([false]));
});

test("a running refresh is waited for; if it fetches nothing, one is requested", async () => {
  const { wait, state, commit, child, set, ended } = setUp();
  const next = child(commit);
  state.running = true;
  const waiting = wait(ID, next, "mirror", 60_000, never());
  await wait(ID, next, "mirror", 0, never());
  expect(state.refreshes).toBe(0);
  state.running = false;
  ended();
  await wait(ID, next, "mirror", 0, never());
  expect(state.refreshes).toBe(1);
  set("refs/heads/main", next);
  ended();
  expect(await waiting).toBe(true);
});

test("only refs inside REFSPECS count, including exact names; in=checkout checks the published commit", async () => {
  const { wait, state, commit, child, set } = setUp();
  const [note, tag, other] = ["note", "tag", "other"].map((message) => child(commit, message));
  set("refs/notes/x", note!);
  set("refs/lockstep/kept/1-x/heads/main", note!);
  set("refs/tags/v1", tag!);
  set("refs/tags/v1x", other!);
  const now = (sha: string, place: "mirror" | "checkout" = "mirror") => wait(ID, sha, place, 0, never());
  expect([await now(commit), await now(tag!), await now(note!), await now(other!)]).toEqual([
    ...[true, true, false, false],
  ]);
  expect(await now(commit, "checkout")).toBe(false);
  state.published = [tag!];
  expect([await now(commit, "checkout"), await now(note!, "checkout")]).toEqual([true, false]);
});
