import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ZERO } from "../../src/base/model.js";
import { hook, isThere, receiver, SECRET, touch } from "../support/consumers.js";
import { worldWith } from "../support/history.js";
import { readEvents } from "../support/sse.js";
import { statusOf } from "../support/state.js";
import type { World } from "../support/world.js";

const MAIN = "refs/heads/main";
const lagOf = async (world: World, shown: string) =>
  (await statusOf(world)).announce.find(({ consumer }: { consumer: string }) => consumer === shown);

test("the hook runs once for each changed ref, in order, with a clean environment", async () => {
  const { file, runs, until } = hook("env > $DIR/env; cat > $DIR/stdin; echo said");
  const { world, repo, standin } = await worldWith({ ANNOUNCE_HOOK: file });
  const first = await standin.commit(repo, "main");
  await world.pushed(first);
  await world.inStep(repo);
  const side = await standin.commit(repo, "side");
  await world.pushed(side);
  await until(() => runs().length === 3);
  const mirror = `${world.dataDir}/repos/${repo.id}/mirror.git`;
  const each = { EVENT_TYPE: "changed", REPOSITORY: "acme/app", MIRROR: mirror, CHECKOUT: "" };
  expect(runs()).toEqual([
    { ...each, EVENT_ID: "1", EVENT_TYPE: "cloned", REF: "", BEFORE: ZERO, AFTER: ZERO },
    { ...each, EVENT_ID: "2", REF: MAIN, BEFORE: first.before, AFTER: first.after },
    { ...each, EVENT_ID: "3", REF: side.ref, BEFORE: ZERO, AFTER: side.after },
  ]);
  await world.line(
    ({ event, eventId, output }) => event === "hook_finished" && eventId === 3 && output === "said\n",
  );
});

test("the hook sees only PATH of Lockstep's environment, and gets the event as JSON", async () => {
  const { file, until, dir, runs } = hook("env > $DIR/env; cat > $DIR/event.json");
  process.env.SECRET_OF_THE_TEST = "x";
  onTestFinished(() => void delete process.env.SECRET_OF_THE_TEST);
  const { world } = await worldWith({ ANNOUNCE_HOOK: file });
  await world.line(({ event }) => event === "hook_finished");
  await until(() => runs().length > 0);
  const names = readFileSync(`${dir}/env`, "utf8")
    .split("\n")
    .map((line) => line.split("=")[0])
    .filter((name) => name && !name.startsWith("LOCKSTEP_"));
  expect(names.sort()).toEqual(expect.arrayContaining(["PATH"]));
  // sh adds these variables itself.
  expect(names.filter((name) => !["PATH", "PWD", "OLDPWD", "SHLVL", "_"].includes(name!))).toEqual([]);
  expect(JSON.parse(readFileSync(`${dir}/event.json`, "utf8"))).toMatchObject({ id: 1, type: "cloned" });
});

test("a hook that fails runs again with the same ref, and later refs wait", async () => {
  const { file, runs, until, dir } = hook(
    '[ "$LOCKSTEP_REF" = refs/heads/main ] || exit 0; [ -e $DIR/fine ]',
  );
  const { world, repo, standin } = await worldWith({ ANNOUNCE_HOOK: file });
  const one = await standin.commit(repo, "main");
  await world.pushed(one);
  await world.line(({ event, code }) => event === "hook_failed" && code === 1);
  const side = await standin.commit(repo, "side");
  await world.pushed(side);
  await world.inStep(repo);
  expect(await lagOf(world, "hook")).toMatchObject({
    pending: 2,
    lastError: { message: expect.stringContaining("exited with 1") },
  });
  touch(dir, "fine");
  await until(() => runs().at(-1)?.REF === side.ref);
  const sent = runs().map(({ AFTER }) => AFTER);
  expect(sent.slice(0, 2)).toEqual([ZERO, one.after]);
  expect(sent.slice(-2)).toEqual([one.after, side.after]);
});

test("a hook that hangs is stopped with its whole process group", async () => {
  const { file, dir, until } = hook('(trap "" TERM; sleep 600 & echo $! > $DIR/child; wait) & wait');
  const { world } = await worldWith({ ANNOUNCE_HOOK: file, ANNOUNCE_TIMEOUT: "1s", SHUTDOWN_TIMEOUT: "0s" });
  await until(() => isThere(dir, "child"));
  const child = Number(readFileSync(`${dir}/child`, "utf8"));
  await world.line(({ event, timedOut }) => event === "hook_failed" && timedOut === true);
  expect(isRunning(child)).toBe(false);
});

test("webhooks are signed, keep their id when they are repeated, and follow no redirect", async () => {
  const target = await receiver((response, n) =>
    n === 1
      ? void response.writeHead(302, { location: `${target.url}/elsewhere` }).end()
      : n === 2
        ? void response.writeHead(503, { "retry-after": "1" }).end("later")
        : void response.writeHead(200).end(),
  );
  const { world, repo, standin } = await worldWith({
    ANNOUNCE_URLS: `${target.url.replace("//", "//user:pa%20ss@")}/in?key=hidden`,
    ANNOUNCE_SECRET: SECRET,
  });
  const push = await standin.commit(repo, "main");
  await world.pushed(push);
  const got = await target.calls(4);
  expect(new Set(got.slice(0, 3).map(({ id }) => id)).size).toBe(1);
  expect(got[3]!.id).not.toBe(got[0]!.id);
  expect(got[3]!.headers.authorization).toBe(`Basic ${btoa("user:pa ss")}`);
  expect(got[3]!.event).toMatchObject({
    ...{ id: 2, type: "changed", trigger: "push", changed: 1, truncated: false },
    repository: { id: repo.id, owner: "acme", name: "app" },
    changes: [{ ref: MAIN, before: push.before, after: push.after }],
  });
  await world.line(({ event, eventId }) => event === "event_delivered" && eventId === 2);
  expect(await lagOf(world, `${target.url}/in`)).toMatchObject({ pending: 0, oldestAgeMs: null });
  expect(JSON.stringify(world.log)).not.toMatch(/hidden|pa%20ss/);
});

test("a dead consumer delays neither refreshes nor other consumers, and the status shows it", async () => {
  const dead = await receiver(() => {});
  const alive = await receiver();
  const { world, repo, standin } = await worldWith({
    ANNOUNCE_URLS: `${dead.url},${alive.url}`,
    ANNOUNCE_SECRET: SECRET,
    SHUTDOWN_TIMEOUT: "0s",
  });
  await dead.calls(1);
  const pushes = [];
  for (let n = 0; n < 5; n++) {
    const push = await standin.commit(repo, "main");
    pushes.push(push);
    await world.pushed(push);
    await world.inStep(repo);
  }
  await alive.calls(6);
  const changes = alive.got.flatMap(({ event }) => event.changes);
  expect(changes.map(({ after }) => after)).toEqual(pushes.map(({ after }) => after));
  expect(dead.got).toHaveLength(1);
  expect(await lagOf(world, `${dead.url}/`)).toMatchObject({ pending: 6 });
  expect(await lagOf(world, `${alive.url}/`)).toMatchObject({ pending: 0 });
});

test("the event stream starts now, from an id, or for one repository", async () => {
  const { world, repo, standin } = await worldWith();
  const other = await standin.createRepository("acme", "other");
  world.sweep();
  await world.inStep(other);
  const live = await world.api("/api/v1/events?repository=acme/app");
  expect(live.headers.get("content-type")).toMatch("text/event-stream");
  const push = await standin.commit(repo, "main");
  await world.pushed(await standin.commit(other, "main"), push);
  const [only] = await readEvents(live, (all) => all.length > 0);
  expect(only).toMatchObject({ event: "changed", data: { changes: [{ after: push.after }] } });
  expect(only!.id).toBe(only!.data!.id);
  await world.inStep(other);
  const replayed = await readEvents(await world.api("/api/v1/events?after=0"), (all) => all.length === 4);
  expect(replayed.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  expect(replayed.map(({ event }) => event).sort()).toEqual(["changed", "changed", "cloned", "cloned"]);
});

test("the event stream reports a gap, and refuses invalid ids", async () => {
  const { world } = await worldWith();
  const [gap, first] = await readEvents(await world.api("/api/v1/events?after=99"), (all) => all.length > 1);
  expect([gap?.event, first?.id]).toEqual(["gap", 1]);
  for (const [query, status] of [
    ["after=x", 400],
    ["after=-1", 400],
    ["repository=acme", 404],
    ["repository=acme/none", 404],
    ["repository=a/b/c", 400],
  ]) {
    expect((await world.api(`/api/v1/events?${query}`)).status, String(query)).toBe(status);
  }
  expect((await fetch(`${world.url}/api/v1/events`)).status).toBe(401);
});

test("a refresh without changes, or a rebuilt mirror with the same refs, announces nothing", async () => {
  const { world, repo, standin } = await worldWith();
  const refresh = () => world.api("/api/v1/repos/acme/app/refresh?wait=30s", { method: "POST" });
  expect((await refresh()).status).toBe(200);
  rmSync(join(world.mirror(repo), "HEAD"));
  expect((await refresh()).status).toBe(200);
  expect(world.log.some(({ result }) => result === "cloned")).toBe(true);
  await world.pushed(await standin.commit(repo, "main"));
  const two = await readEvents(await world.api("/api/v1/events?after=0"), (all) => all.length > 1);
  expect(two.map(({ event, id }) => [event, id])).toEqual([
    ["cloned", 1],
    ["changed", 2],
  ]);
});

/** A child whose parent has died may be a zombie for a while. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
