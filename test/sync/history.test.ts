import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Push } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { compare, nextSecond, post, refreshed, shown } from "../support/history.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

const MAIN = "refs/heads/main";
const ZERO = "0".repeat(40);

async function worldWith(env: Record<string, string> = {}) {
  const world = await World.create(env);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  nextSecond(world);
  return { world, repo, standin: world.standin };
}

const force = { orphan: true } as const;

describe("HISTORY=keep", () => {
  test("the tip that a forced push leaves is kept, by word", async () => {
    const { world, repo, standin } = await worldWith();
    const push = await standin.forcePush(repo, "main", force);
    await world.pushed(push);
    await world.inStep(repo);
    const line = await world.line(
      ({ msg }) => msg === "refreshed" && world.refreshes().at(-1)?.way === "word",
    );
    expect(line).toBeDefined();
    expect(Object.values(world.kept(repo))).toEqual([push.before]);
    const { kept, state } = await shown(world, repo);
    expect(state).toBe("fresh");
    expect(kept).toMatchObject([{ ref: MAIN, sha: push.before }]);
    expect(Date.parse(kept[0]!.expiresAt) - Date.parse(kept[0]!.keptAt)).toBe(30 * 86_400_000);
    expect(world.log).toContainEqual(
      expect.objectContaining({ msg: "old tips are kept", kept: [kept[0]!.name] }),
    );
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

  test("a forced push and a deletion that nobody told of are kept, in full", async () => {
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
    const moves = [
      { ref: "refs/tags/v1", before: await standin.tip(repo, "refs/tags/v1"), after: one.after },
    ];
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
    // Branches that are called like the kept tip, with and without a directory below it.
    for (const branch of [name!.slice("refs/".length), `a/${name!.split("/")[3]}`, `${name}/x`]) {
      await world.pushed(await standin.commit(repo, branch));
      await world.inStep(repo);
      await world.pushed(await standin.forcePush(repo, branch, force));
      await world.inStep(repo);
      await world.pushed(await standin.deleteRef(repo, `refs/heads/${branch}`));
      await world.inStep(repo);
    }
    expect(Object.keys(world.kept(repo))).toHaveLength(7);
    expect(world.log.filter(({ msg }) => msg === "refresh failed")).toEqual([]);
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
    expect(world.log.filter(({ msg }) => msg === "refresh failed")).toEqual([]);
    const name = kept.find(({ ref }) => ref === null)!.name;
    expect(await post(world, repo, "restore", { kept: name })).toMatchObject({ status: 400 });
    const body = { kept: name, ref: "refs/heads/other" };
    expect(await post(world, repo, "restore?wait=30s", body)).toMatchObject({ status: 200 });
    expect(world.tips(repo)[body.ref]).toBe(push.after);
  });

  test("kept tips go after KEEP_HISTORY", async () => {
    const { world, repo } = await worldWith({ KEEP_HISTORY: "1h" });
    const tip = world.tips(repo)[MAIN]!;
    const name = (ageMs: number) => `refs/lockstep/kept/${Date.now() - ageMs}-${tip}/heads/x`;
    const [old, young] = [name(3_601_000), name(3_000_000)];
    for (const ref of [old, young]) plainGit(world.mirror(repo), "update-ref", ref, tip);
    await compare(world, repo);
    expect(Object.keys(world.kept(repo))).toEqual([young]);
  });

  test("who clones the mirror does not see Lockstep's own refs, in mirrors of before neither", async () => {
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
    rmSync(calls, { force: true });
    await refreshed(world, () => world.pushed(push));
    return readFileSync(calls, "utf8").trim().split("\n");
  };
  await spawnedBy(await standin.forcePush(repo, "main", force));
  expect(await spawnedBy(await standin.commit(repo, "main"))).toEqual(["fetch", "update-ref"]);
  expect(await spawnedBy(await standin.forcePush(repo, "main", force))).toEqual(["fetch", "update-ref"]);
  await spawnedBy(await standin.commit(repo, "side"));
  expect(await spawnedBy(await standin.deleteRef(repo, "refs/heads/side"))).toEqual(["update-ref"]);
});

describe("HISTORY=block", () => {
  const block = { HISTORY: "block" };

  test("a forced push and a deletion are refused while another branch goes on", async () => {
    const { world, repo, standin } = await worldWith(block);
    const side = await standin.commit(repo, "side");
    await compare(world, repo);
    const main = await standin.forcePush(repo, "main", force);
    const other = await standin.commit(repo, "other");
    await world.pushed(main, await standin.deleteRef(repo, side.ref), other);
    await world.line(({ msg, refs }) => msg === "refreshed" && String(refs).includes("other"));
    await compare(world, repo);
    const expected = { [MAIN]: main.before, [side.ref]: side.after, [other.ref]: other.after };
    expect(world.tips(repo)).toEqual(expected);
    const { state, lastError, holds } = await shown(world, repo);
    expect([state, lastError?.code]).toEqual(["failing", "history_blocked"]);
    expect(lastError?.message).toContain(`${MAIN} is held at ${main.before}, GitHub has ${main.after}`);
    const allow = (ref: string, wanted: string) =>
      `POST /api/v1/repos/acme/app/allow ${JSON.stringify({ ref, wanted })}`;
    expect(holds).toMatchObject([
      { ref: MAIN, tip: main.before, wanted: main.after, cause: "blocked", allow: allow(MAIN, main.after) },
      { ref: side.ref, tip: side.after, wanted: ZERO, allow: allow(side.ref, ZERO) },
    ]);
    const begun = world.log.filter(({ level, tip }) => level === "warn" && tip);
    expect(begun).toMatchObject([{ ref: MAIN, allow: allow(MAIN, main.after) }, { ref: side.ref }]);
    expect(world.log.filter(({ msg }) => msg === "refresh failed")).toEqual([]);
  });

  test("what is allowed goes through, and its old tip is kept", async () => {
    const { world, repo, standin } = await worldWith(block);
    const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    expect(await post(world, repo, "allow?wait=30s", { ref: MAIN })).toMatchObject({
      status: 200,
      body: { repository: { state: "fresh", lastError: null } },
    });
    await world.inStep(repo);
    const { holds, kept } = await shown(world, repo);
    expect([holds, kept.map(({ sha }) => sha)]).toEqual([[], [push.before]]);
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: "info", ref: MAIN, reason: "it was allowed" }),
    );
  });

  test("only the value that was looked at is allowed", async () => {
    const { world, repo, standin } = await worldWith(block);
    const first = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    const outdated = { ref: MAIN, wanted: first.after };
    const second = await standin.forcePush(repo, "main", force);
    // GitHub has moved on, and nobody has told of it: the refresh finds out.
    const late = await post(world, repo, "allow?wait=30s", outdated);
    expect(late).toMatchObject({ status: 409, body: { reason: "moved_on" } });
    expect(late.body.detail).toContain(second.after);
    const refused = await post(world, repo, "allow", outdated);
    expect(refused).toMatchObject({ status: 409, body: { reason: "moved_on" } });
    expect(refused.body.detail).toContain(second.after);
    expect(await post(world, repo, "allow", { ref: "refs/heads/x" })).toMatchObject({ status: 404 });
    await compare(world, repo);
    expect(world.tips(repo)[MAIN]).toBe(first.before);
    expect((await shown(world, repo)).holds).toMatchObject([{ wanted: second.after }]);
  });

  test.each([
    ["by name", (world: World, push: Push) => world.pushed(push)],
    ["in full", (world: World, push: Push) => compare(world, push.repo)],
  ])("a hold ends when GitHub is back at the held tip, %s", async (_, tell) => {
    const { world, repo, standin } = await worldWith(block);
    const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    await tell(world, await standin.forcePush(repo, "main", push.before));
    await world.line(({ msg }) => msg === "the hold on a ref is over");
    await compare(world, repo);
    expect(await shown(world, repo)).toMatchObject({
      state: "fresh",
      holds: [],
      heads: { [MAIN]: push.before },
    });
  });

  test("a hold ends when GitHub goes on from the held tip", async () => {
    const { world, repo, standin } = await worldWith(block);
    const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    await standin.forcePush(repo, "main", push.before);
    await world.pushed(await standin.commit(repo, "main"));
    await world.inStep(repo);
    expect((await shown(world, repo)).holds).toEqual([]);
  });

  test("a held ref follows what GitHub has, and does not move", async () => {
    const { world, repo, standin } = await worldWith(block);
    const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    const next = await standin.commit(repo, "main");
    await refreshed(world, () => world.pushed(next));
    expect((await shown(world, repo)).holds).toMatchObject([{ tip: push.before, wanted: next.after }]);
    await refreshed(world, () => world.pushed(push));
    expect((await shown(world, repo)).holds).toMatchObject([{ tip: push.before, wanted: next.after }]);
    expect(world.tips(repo)[MAIN]).toBe(push.before);
  });

  test("what a held branch leaves no room for waits with it", async () => {
    const { world, repo, standin } = await worldWith(block);
    const first = await standin.commit(repo, "a");
    await compare(world, repo);
    const gone = await standin.deleteRef(repo, first.ref);
    await refreshed(world, async () => world.pushed(gone, await standin.commit(repo, "a/b")));
    await compare(world, repo);
    expect(Object.keys(world.tips(repo))).toEqual([first.ref, MAIN]);
    expect(await post(world, repo, "allow?wait=30s", { ref: first.ref })).toMatchObject({ status: 200 });
    await world.inStep(repo);
  });

  test("freshness is not claimed while a ref is held", async () => {
    const { world, repo, standin } = await worldWith(block);
    const { lastFullAt } = await shown(world, repo);
    await refusedPush(world, () => standin.forcePush(repo, "main", force));
    await compare(world, repo);
    expect((await shown(world, repo)).lastFullAt).toBe(lastFullAt);
    await post(world, repo, "allow?wait=30s", { ref: MAIN });
    expect(Date.parse((await shown(world, repo)).lastFullAt)).toBeGreaterThan(Date.parse(lastFullAt));
  });

  test("holds outlive a restart, and end with HISTORY=block", async () => {
    const env: Record<string, string> = { ...block };
    const { world, repo, standin } = await worldWith(env);
    const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    await world.stop();
    await world.start();
    await compare(world, repo);
    expect(world.tips(repo)[MAIN]).toBe(push.before);
    expect((await shown(world, repo)).holds).toMatchObject([{ ref: MAIN, wanted: push.after }]);
    await world.stop();
    env.HISTORY = "keep";
    await world.start(repo);
    expect((await shown(world, repo)).holds).toEqual([]);
  });

  test("a late delivery never turns a ref back, held or not", async () => {
    const { world, repo, standin } = await worldWith(block);
    const first = await standin.commit(repo, "main");
    await world.pushed(first);
    await world.inStep(repo);
    const second = await standin.commit(repo, "main");
    const back = await standin.forcePush(repo, "main", first.after);
    await refreshed(world, () => world.pushed(back));
    await refreshed(world, () => world.pushed(second, first));
    expect(world.tips(repo)[MAIN]).toBe(first.after);
    expect((await shown(world, repo)).holds).toEqual([]);
  });
});

describe("restore", () => {
  test("a kept tip is put back and held until it is allowed to go", async () => {
    const { world, repo, standin } = await worldWith();
    const push = await standin.forcePush(repo, "main", force);
    await world.pushed(push);
    await world.inStep(repo);
    const { name } = (await shown(world, repo)).kept[0]!;
    expect(await post(world, repo, "restore", { kept: `${name}x` })).toMatchObject({ status: 404 });
    expect(await post(world, repo, "restore?wait=30s", { kept: name })).toMatchObject({ status: 200 });
    expect(world.tips(repo)[MAIN]).toBe(push.before);
    const next = await standin.commit(repo, "main");
    await refreshed(world, () => world.pushed(next));
    const during = await shown(world, repo);
    expect(during).toMatchObject({
      state: "failing",
      holds: [{ ref: MAIN, tip: push.before, wanted: next.after, cause: "restored" }],
    });
    expect(during.kept.map(({ sha }) => sha)).toEqual([push.after, push.before]);
    expect(await post(world, repo, "allow?wait=30s", { ref: MAIN })).toMatchObject({ status: 200 });
    await world.inStep(repo);
    expect(await shown(world, repo)).toMatchObject({ state: "fresh", holds: [] });
  });

  test("an older tip of the same line stays, though GitHub goes on from it", async () => {
    const { world, repo, standin } = await worldWith();
    const first = await standin.commit(repo, "main");
    await world.pushed(first);
    await world.inStep(repo);
    await world.pushed(await standin.forcePush(repo, "main", first.before));
    await world.inStep(repo);
    const { kept } = await shown(world, repo);
    await standin.forcePush(repo, "main", first.after);
    await standin.commit(repo, "main");
    await compare(world, repo);
    expect(await post(world, repo, "restore?wait=30s", { kept: kept[0]!.name })).toMatchObject({
      status: 200,
    });
    await refreshed(world, async () => world.pushed(await standin.commit(repo, "main")));
    expect(world.tips(repo)[MAIN]).toBe(first.after);
  });

  test("the hold ends when the kept tip is pushed back to GitHub, with the command shown", async () => {
    const { world, repo, standin } = await worldWith();
    const side = await standin.commit(repo, "a'$(id)");
    await world.pushed(side);
    await world.inStep(repo);
    const push = await standin.forcePush(repo, "a'$(id)", force);
    await world.pushed(push);
    await world.inStep(repo);
    const kept = (await shown(world, repo)).kept[0]!;
    await post(world, repo, "restore?wait=30s", { kept: kept.name });

    const command = (await shown(world, repo)).kept.find(({ name }) => name === kept.name)!.push;
    const url = `${standin.url}/acme/app.git`;
    expect(command).toContain(` ${url} `);
    execFileSync("sh", ["-c", command.replace(url, repo.dir)], { stdio: "pipe" });
    await compare(world, repo);
    await world.inStep(repo);
    expect(await standin.tip(repo, side.ref)).toBe(push.before);
    expect((await shown(world, repo)).holds).toEqual([]);
  });

  test("a deleted branch is refused while another one is in its place", async () => {
    const { world, repo, standin } = await worldWith();
    const first = await standin.commit(repo, "a");
    await world.pushed(first);
    await world.inStep(repo);
    await world.pushed(await standin.deleteRef(repo, first.ref), await standin.commit(repo, "a/b"));
    await world.inStep(repo);
    const { name } = (await shown(world, repo)).kept[0]!;
    expect(await post(world, repo, "restore", { kept: name })).toMatchObject({
      status: 409,
      body: { reason: "ref_in_the_way" },
    });
    await world.pushed(await standin.deleteRef(repo, "refs/heads/a/b"));
    await world.inStep(repo);
    await post(world, repo, "restore", { kept: name });
    await standin.commit(repo, "a/c");
    await compare(world, repo);
    // Whichever was first in the mirror stays, and nothing fails for the other.
    expect(Object.keys(world.tips(repo))).toHaveLength(2);
    expect(world.log.filter(({ msg }) => msg === "refresh failed")).toEqual([]);
  });
});

describe("a mirror made anew", () => {
  test.each([
    ["its HEAD is gone", (dir: string) => rmSync(join(dir, "HEAD"))],
    ["its config is garbage", (dir: string) => writeFileSync(join(dir, "config"), "[core\n")],
    ["an object of GitHub's is cut short", (dir: string) => truncateSync(dir, 10)],
  ])("has the kept tips of the old one: %s", async (what, damage) => {
    const { world, repo, standin } = await worldWith();
    const first = await standin.forcePush(repo, "main", force);
    await world.pushed(first);
    await world.inStep(repo);
    const side = await standin.commit(repo, "side");
    await world.pushed(side);
    await world.inStep(repo);
    const names = Object.keys(world.kept(repo));
    const mirror = join(world.dataDir, "repos", String(repo.id), "mirror.git");
    damage(what.startsWith("an object") ? objectFile(mirror, side.after) : mirror);
    const second = await standin.forcePush(repo, "main", force);
    const from = world.log.length;
    await standin.commit(repo, "side");
    await post(world, repo, "refresh?wait=30s");
    await world.inStep(repo);
    const line = await world.line(({ msg, result }) => msg === "refreshed" && result === "cloned", from);
    expect(line.changed).toBe(2);
    expect(Object.keys(world.kept(repo))).toEqual(expect.arrayContaining(names));
    expect(Object.values(world.kept(repo)).sort()).toEqual([first.before, second.before].sort());
    plainGit(world.mirror(repo), "fsck", "--strict");
  });

  test("keeps refs held, and lets go of what cannot be read", async () => {
    const { world, repo, standin } = await worldWith({ HISTORY: "block" });
    const side = await standin.commit(repo, "side");
    await world.pushed(side);
    await world.inStep(repo);
    const main = await refusedPush(world, () => standin.forcePush(repo, "main", force));
    const mirror = join(world.dataDir, "repos", String(repo.id), "mirror.git");
    rmSync(join(mirror, "HEAD"));
    const moved = await standin.forcePush(repo, "side", force);
    await compare(world, repo);
    expect(world.tips(repo)).toEqual({ [MAIN]: main.before, [side.ref]: side.after });
    expect((await shown(world, repo)).holds).toMatchObject([
      { ref: MAIN, wanted: main.after },
      { ref: side.ref, tip: side.after, wanted: moved.after },
    ]);
    plainGit(world.mirror(repo), "fsck", "--strict");

    rmSync(join(mirror, "HEAD"));
    cutObjects(mirror);
    await compare(world, repo);
    await world.inStep(repo);
    expect(await shown(world, repo)).toMatchObject({ state: "fresh", holds: [] });
    expect(world.log.some(({ msg, tips }) => msg.startsWith("old tips are lost") && tips === 2)).toBe(true);
  });
});

/** A push that HISTORY=block refuses, once it is refused. */
async function refusedPush(world: World, act: () => Promise<Push>): Promise<Push> {
  const push = await act();
  await refreshed(world, () => world.pushed(push));
  return push;
}

const objectFile = (mirror: string, sha: string) => join(mirror, "objects", sha.slice(0, 2), sha.slice(2));

function cutObjects(mirror: string): void {
  for (const folder of readdirSync(join(mirror, "objects"))) {
    for (const file of readdirSync(join(mirror, "objects", folder))) {
      truncateSync(join(mirror, "objects", folder, file), 10);
    }
  }
}
