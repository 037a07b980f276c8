import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Push } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { compare, force, MAIN, post, refreshed, shown, worldWith } from "../support/history.js";
import { tempDir } from "../support/temp.js";

test("the tip that a forced push leaves is kept, by word", async () => {
  const { world, repo, standin } = await worldWith();
  const push = await standin.forcePush(repo, "main", force);
  await world.pushed(push);
  await world.inStep(repo);
  const line = await world.line(
    ({ event }) => event === "refreshed" && world.refreshes().at(-1)?.way === "word",
  );
  expect(line).toBeDefined();
  expect(Object.values(world.kept(repo))).toEqual([push.before]);
  const { kept, state } = await shown(world, repo);
  expect(state).toBe("fresh");
  expect(kept).toMatchObject([{ ref: MAIN, sha: push.before }]);
  expect(Date.parse(kept[0]!.expiresAt) - Date.parse(kept[0]!.keptAt)).toBe(30 * 86_400_000);
  expect(world.log).toContainEqual(expect.objectContaining({ event: "tips_kept", kept: [kept[0]!.name] }));
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("an ordinary push keeps nothing, by word, by name and in full", async () => {
  const { world, repo, standin } = await worldWith();
  await world.pushed(await standin.commit(repo, "main"));
  await world.inStep(repo);
  await standin.commit(repo, "main");
  await world.pushed(await standin.commit(repo, "main"));
  await world.inStep(repo);
  await standin.commit(repo, "main");
  await compare(world, repo);
  await world.inStep(repo);
  expect(world.kept(repo)).toEqual({});
});

test("a forced push whose delivery does not fit the mirror is kept, by name", async () => {
  const { world, repo, standin } = await worldWith();
  const old = world.tips(repo)[MAIN]!;
  await standin.commit(repo, "main");
  await world.pushed(await standin.forcePush(repo, "main", force));
  await world.inStep(repo);
  expect(Object.values(world.kept(repo))).toEqual([old]);
});

test("a missed forced push and a missed deletion are kept, in full", async () => {
  const { world, repo, standin } = await worldWith();
  const side = await standin.commit(repo, "side");
  await compare(world, repo);
  const main = await standin.forcePush(repo, "main", force);
  await standin.deleteRef(repo, "refs/heads/side");
  await compare(world, repo);
  await world.inStep(repo);
  expect(Object.values(world.kept(repo)).sort()).toEqual([main.before, side.after].sort());
});

test("pushes that were forced on the way, but not in all, keep nothing", async () => {
  const { world, repo, standin } = await worldWith({ QUIET_PERIOD: "1s" });
  const first = await standin.commit(repo, "main");
  await world.pushed(first);
  await world.inStep(repo);
  const aside = await standin.forcePush(repo, "main", first.before);
  const back = await standin.forcePush(repo, "main", first.after);
  const on = await standin.commit(repo, "main");
  await refreshed(world, () => world.pushed(aside, back, on));
  await world.inStep(repo);
  expect(world.kept(repo)).toEqual({});
});

test("deleted branches and moved tags are kept; one tip may be kept for two refs", async () => {
  const { world, repo, standin } = await worldWith();
  const one = await standin.commit(repo, "one");
  const pushes = [one, await standin.createBranch(repo, "two", one.after)];
  pushes.push(await standin.createTag(repo, "v1", { annotated: true }));
  await world.pushed(...pushes);
  await world.inStep(repo);
  const gone = [
    await standin.deleteRef(repo, "refs/heads/one"),
    await standin.deleteRef(repo, "refs/heads/two"),
  ];
  const moves = [{ ref: "refs/tags/v1", before: await standin.tip(repo, "refs/tags/v1"), after: one.after }];
  await world.pushed(...gone, ...(await standin.updateRefs(repo, moves)));
  await world.inStep(repo);
  const { kept } = await shown(world, repo);
  expect(Object.fromEntries(kept.map(({ ref, sha }) => [ref, sha]))).toEqual({
    ...{ "refs/heads/one": one.after, "refs/heads/two": one.after, "refs/tags/v1": moves[0]!.before },
  });
  expect(plainGit(world.mirror(repo), "cat-file", "-t", moves[0]!.before)).toBe("tag");
});

test("a branch gives way to a directory, and names made to clash with kept ones do not", async () => {
  const { world, repo, standin } = await worldWith();
  const first = await standin.commit(repo, "a");
  await world.pushed(first);
  await world.inStep(repo);
  const nested = [await standin.deleteRef(repo, "refs/heads/a"), await standin.commit(repo, "a/b")];
  await world.pushed(...nested);
  await world.inStep(repo);
  const [name] = Object.keys(world.kept(repo));
  // The branches have the kept tip's name, with and without a directory below it.
  for (const branch of [name!.slice("refs/".length), `a/${name!.split("/")[3]}`, `${name}/x`]) {
    await world.pushed(await standin.commit(repo, branch));
    await world.inStep(repo);
    await world.pushed(await standin.forcePush(repo, branch, force));
    await world.inStep(repo);
    await world.pushed(await standin.deleteRef(repo, `refs/heads/${branch}`));
    await world.inStep(repo);
  }
  expect(Object.keys(world.kept(repo))).toHaveLength(7);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("a name too long to keep a tip under is made from the tip alone", async () => {
  const { world, repo, standin } = await worldWith();
  const room = 4_085 - join(world.dataDir, "repos", String(repo.id), "mirror.git/refs/heads/").length;
  const branch = `${"long/".repeat(1_000)}`.slice(0, room - 5).replace(/\/?$/, "x");
  const push = await standin.commit(repo, branch);
  await standin.commit(repo, "short");
  await compare(world, repo);
  await standin.deleteRef(repo, push.ref);
  const short = await standin.deleteRef(repo, "refs/heads/short");
  await compare(world, repo);
  await world.inStep(repo);
  const { kept } = await shown(world, repo);
  expect(kept.map(({ ref, sha }) => [ref, sha])).toEqual(
    expect.arrayContaining([
      [null, push.after],
      ["refs/heads/short", short.before],
    ]),
  );
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
  const name = kept.find(({ ref }) => ref === null)!.name;
  expect(await post(world, repo, "restore", { kept: name })).toMatchObject({ status: 400 });
  const body = { kept: name, ref: "refs/heads/other" };
  expect(await post(world, repo, "restore?wait=30s", body)).toMatchObject({ status: 200 });
  expect(world.tips(repo)[body.ref]).toBe(push.after);
});

test("kept tips are dropped after KEEP_HISTORY", async () => {
  const { world, repo } = await worldWith({ KEEP_HISTORY: "1h" });
  const tip = world.tips(repo)[MAIN]!;
  const name = (ageMs: number) => `refs/lockstep/kept/${Date.now() - ageMs}-${tip}/heads/x`;
  const [old, young] = [name(3_601_000), name(3_000_000)];
  for (const ref of [old, young]) plainGit(world.mirror(repo), "update-ref", ref, tip);
  await compare(world, repo);
  expect(Object.keys(world.kept(repo))).toEqual([young]);
});

test("beyond KEEP_HISTORY_TIPS the oldest kept tips go, and the log says so", async () => {
  const { world, repo } = await worldWith({ KEEP_HISTORY_TIPS: "2" });
  const tip = world.tips(repo)[MAIN]!;
  const names = [3, 2, 1].map((age) => `refs/lockstep/kept/${Date.now() - age * 1_000}-${tip}/heads/x`);
  for (const ref of names) plainGit(world.mirror(repo), "update-ref", ref, tip);
  await compare(world, repo);
  expect(Object.keys(world.kept(repo))).toEqual(names.slice(1));
  const { kept } = await shown(world, repo);
  expect(kept.map(({ name }) => name)).toEqual(names.slice(1).reverse());
  expect(world.log).toContainEqual(
    expect.objectContaining({ event: "kept_tips_dropped", repository: "acme/app", tips: 1, limit: 2 }),
  );
});

test("many forced pushes between two comparisons do not exceed the limit by more than a tenth", async () => {
  const { world, repo, standin } = await worldWith({ KEEP_HISTORY_TIPS: "2" });
  for (let n = 0; n < 4; n++) {
    const push = await standin.forcePush(repo, "main", force);
    await refreshed(world, () => world.pushed(push));
    await world.inStep(repo);
  }
  expect(Object.keys(world.kept(repo))).toHaveLength(2);
});

test("a clone of the mirror does not see Lockstep's own refs, nor does a clone of an older mirror", async () => {
  const { world, repo, standin } = await worldWith();
  plainGit(world.mirror(repo), "config", "--unset-all", "transfer.hideRefs");
  plainGit(world.mirror(repo), "config", "transfer.hideRefs", "refs/private");
  for (let n = 0; n < 2; n++) {
    await world.pushed(await standin.forcePush(repo, "main", force));
    await world.inStep(repo);
  }
  expect(Object.keys(world.kept(repo))).toHaveLength(2);
  const copy = join(tempDir(), "copy.git");
  plainGit(copy, "clone", "-q", "--mirror", `file://${world.mirror(repo)}`, copy);
  expect(plainGit(copy, "for-each-ref", "--format=%(refname)")).toBe(MAIN);
  const values = plainGit(world.mirror(repo), "config", "--get-all", "transfer.hideRefs").split("\n");
  expect(values).toEqual(["refs/private", "refs/lockstep"]);
});

test("a late delivery still never turns a ref back", async () => {
  const { world, repo, standin } = await worldWith();
  const first = await standin.commit(repo, "main");
  const back = await standin.forcePush(repo, "main", first.before);
  await refreshed(world, () => world.pushed(back));
  await refreshed(world, () => world.pushed(first));
  expect(world.tips(repo)[MAIN]).toBe(first.before);
});

test("HISTORY=mirror keeps nothing", async () => {
  const { world, repo, standin } = await worldWith({ HISTORY: "mirror" });
  await world.pushed(await standin.commit(repo, "side"));
  await world.inStep(repo);
  await world.pushed(await standin.forcePush(repo, "main", force));
  await world.pushed(await standin.deleteRef(repo, "refs/heads/side"));
  await world.inStep(repo);
  expect(world.kept(repo)).toEqual({});
});

test("where the delivery's word is taken, nothing more is asked of git than without the guard", async () => {
  const dir = tempDir();
  const [binary, calls] = [join(dir, "git"), join(dir, "calls")];
  writeFileSync(binary, `#!/bin/sh\necho "$1" >>'${calls}'\nexec git "$@"\n`, { mode: 0o755 });
  const { world, repo, standin } = await worldWith({ GIT_BINARY: binary });
  const spawnedBy = async (push: Push) => {
    writeFileSync(calls, "");
    await refreshed(world, () => world.pushed(push));
    return readFileSync(calls, "utf8").split("\n").filter(Boolean);
  };
  await spawnedBy(await standin.forcePush(repo, "main", force));
  expect(await spawnedBy(await standin.commit(repo, "main"))).toEqual([]);
  // That the old commit is still there with all that it needs is seen by a walk.
  expect(await spawnedBy(await standin.forcePush(repo, "main", force))).toEqual(["rev-list", "update-ref"]);
  await spawnedBy(await standin.commit(repo, "side"));
  expect(await spawnedBy(await standin.deleteRef(repo, "refs/heads/side"))).toEqual(["update-ref"]);
});
