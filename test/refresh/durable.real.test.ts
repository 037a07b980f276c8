import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { plainGit } from "../support/git.js";
import { type SystemCall, traced, whyNoTrace } from "../support/strace.js";
import { World } from "../support/world.js";

const reason = whyNoTrace();
const title = reason === null ? "a refresh" : `a refresh (skipped: ${reason})`;

/** Starts Lockstep with one repository, whose mirror is on another file system than the database. */
async function apart(): Promise<World> {
  const world = await World.create();
  const places = ["/dev/shm", "/tmp"].filter((it) => statSync(it).dev !== statSync(world.dataDir).dev);
  const repos = mkdtempSync(join(places[0] ?? "/tmp", "lockstep-apart-"));
  onTestFinished(() => rmSync(repos, { recursive: true, force: true }));
  mkdirSync(world.dataDir, { recursive: true });
  symlinkSync(repos, join(world.dataDir, "repos"));
  return world;
}

describe.skipIf(reason !== null)(title, () => {
  test.each([
    ["the database beside the mirrors", () => World.create()],
    ["the database on another file system", apart],
  ])("has objects, refs and database on disk in this order: %s", async (_, create) => {
    const world = await create();
    const repo = await world.standin.createRepository("acme", "app");
    await world.start(repo);
    const from = world.log.length;
    const push = await world.standin.commit(repo, "main");
    const calls = await traced(async () => {
      await world.pushed(push);
      await world.line(({ event, result }) => event === "refreshed" && result === "changed", from);
    });
    const mirror = realpathSync(world.mirror(repo));
    const at = (fits: (call: SystemCall) => boolean) => calls.findIndex(fits);
    const synced = (path: string) => at(({ name, path: it }) => name === "fsync" && it === path);
    const object = join(mirror, "objects", push.after.slice(0, 2));
    const renamed = at(({ name, path }) => name.startsWith("rename") && /refs\/heads\/main$/.test(path));
    expect(
      at(({ name, path }) => name === "fsync" && path.startsWith(join(object, "tmp_obj"))),
    ).toBeGreaterThan(-1);
    expect(synced(object)).toBeGreaterThan(-1);
    expect(synced(object)).toBeLessThan(renamed);
    expect(synced(join(mirror, "refs/heads/main.lock"))).toBeLessThan(renamed);
    expect(synced(join(mirror, "refs/heads/main.lock"))).toBeGreaterThan(synced(object));
    const directory = synced(join(mirror, "refs/heads"));
    expect(directory).toBeGreaterThan(renamed);
    const isDatabase = ({ name, path }: SystemCall) =>
      /^f(data)?sync$/.test(name) && /lockstep\.db/.test(path);
    expect(calls.slice(renamed, directory).some(isDatabase)).toBe(false);
    expect(calls.slice(directory).some(isDatabase)).toBe(true);
    expect(plainGit(mirror, "rev-parse", "main")).toBe(push.after);
  });
});
