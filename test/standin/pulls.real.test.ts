import { expect, test } from "vitest";
import { ZERO } from "../../tools/standin/index.js";
import { github, lsRemote } from "./client.js";

test("a pull request from a fork is a ref of its own, on no branch, and not a push", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const { pushedAt } = repo;
  const main = await standin.tip(repo, "refs/heads/main");
  standin.strictClock = true;
  const first = await standin.openPullRequest(repo);
  const second = await standin.openPullRequest(repo, { files: { "a.txt": "a" } });
  expect([first.number, second.number]).toEqual([1, 2]);
  expect(first).toMatchObject({ before: ZERO, baseSha: main, baseRef: "main", fromFork: true });
  expect(await standin.resolve(repo, `${first.head}~1`)).toBe(main);

  const moved = await standin.updatePullRequest(first);
  expect(moved).toMatchObject({ number: 1, before: first.head });
  expect(moved.updatedAt).toBeGreaterThan(first.updatedAt);
  expect(await standin.resolve(repo, `${moved.head}~1`)).toBe(first.head);
  const forced = await standin.updatePullRequest(moved, { force: true });
  expect(await standin.resolve(repo, `${forced.head}~1`)).toBe(main);

  expect(await lsRemote(standin, repo.installation!, "acme/app", "refs/*")).toEqual({
    "refs/heads/main": main,
    "refs/pull/1/head": forced.head,
    "refs/pull/2/head": second.head,
  });
  expect(await standin.tips(repo, "refs/heads")).toEqual(new Map([["refs/heads/main", main]]));
  expect(repo.pushedAt).toBe(pushedAt);
});

test("a pull request from the repository's own branch follows it, and outlives being closed", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const push = await standin.commit(repo, "topic");
  const pull = await standin.openPullRequest(repo, { branch: "topic" });
  expect(pull).toMatchObject({ head: push.after, headRef: "topic", fromFork: false });
  const next = await standin.commit(repo, "topic");
  const moved = await standin.updatePullRequest(pull, { at: next.after });
  expect(moved).toMatchObject({ before: push.after, head: next.after });
  const closed = standin.closePullRequest(moved, { merged: true });
  expect(closed).toMatchObject({ state: "closed", merged: true });
  expect(standin.reopenPullRequest(closed)).toMatchObject({ state: "open", merged: false });
  expect(await standin.tip(repo, "refs/pull/1/head")).toBe(next.after);
});

test("any other ref is made, moved and deleted without a push", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const { pushedAt } = repo;
  standin.strictClock = true;
  const note = await standin.writeRef(repo, "refs/notes/commits");
  expect(note).toMatchObject({ before: ZERO });
  const main = await standin.tip(repo, "refs/heads/main");
  await standin.writeRef(repo, "refs/stackit/metadata/x", "refs/heads/main");
  const refs = await lsRemote(standin, repo.installation!, "acme/app", "refs/notes/*", "refs/stackit/*");
  expect(refs).toEqual({ "refs/notes/commits": note.after, "refs/stackit/metadata/x": main });
  const moved = await standin.writeRef(repo, "refs/notes/commits");
  expect(moved.before).toBe(note.after);
  await standin.writeRef(repo, "refs/notes/commits", ZERO);
  expect([...(await standin.tips(repo)).keys()]).toEqual(["refs/heads/main", "refs/stackit/metadata/x"]);
  expect(repo.pushedAt).toBe(pushedAt);
});
