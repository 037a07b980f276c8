import { execFile } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { PATH, plainGit } from "../../support/git.js";
import { compare, worldWith } from "../../support/history.js";

const run = promisify(execFile);
const VERSION = /^m-[0-9a-f]{8}$/;

/** Asks a mirror for its branch, one time after the other, until told to stop. @returns each failure */
function readOn(mirror: string): () => Promise<string[]> {
  const failures: string[] = [];
  let goesOn = true;
  const loop = async (args: string[]) => {
    while (goesOn) {
      try {
        await run("git", [...args, "rev-parse", "--verify", "main^{commit}"], { env: { PATH } });
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const readers = [loop(["-C", mirror]), loop([`--git-dir=${mirror}`])];
  return async () => {
    goesOn = false;
    await Promise.all(readers);
    return failures;
  };
}

test("there is no moment without a mirror while it is rebuilt", async () => {
  const { world, repo } = await worldWith();
  const stop = readOn(world.mirror(repo));
  const versions = new Set<string>();
  for (let n = 0; n < 5; n++) {
    const version = realpathSync(world.mirror(repo));
    versions.add(version);
    writeFileSync(join(version, "lockstep-condemned"), "");
    await compare(world, repo);
  }
  expect(await stop()).toEqual([]);
  expect(versions.size).toBe(5);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

/** Stops Lockstep, and returns the repository's directory with the mirror's version in it. */
async function stopped() {
  const { world, repo } = await worldWith();
  await world.stop();
  const dir = join(world.dataDir, "repos", String(repo.id));
  const place = join(dir, "mirror.git");
  return { world, repo, dir, place, version: join(dir, readlinkSync(place)) };
}

type Stopped = Awaited<ReturnType<typeof stopped>>;

test.each<[string, (stopped: Stopped) => void]>([
  [
    "a mirror of an earlier version, which is a directory",
    ({ place, version }) => {
      rmSync(place);
      renameSync(version, place);
    },
  ],
  ["a conversion that was killed before it made the link", ({ place }) => rmSync(place)],
  [
    "a swap by an earlier version that was killed between its two renames",
    ({ place, version }) => {
      rmSync(place);
      renameSync(version, `${place}.old`);
    },
  ],
  [
    "a swap by an earlier version that was killed before it removed the old mirror",
    ({ place, version }) => {
      rmSync(place);
      renameSync(version, place);
      mkdirSync(`${place}.old`);
    },
  ],
  [
    "a swap that was killed before it removed the old mirror",
    ({ dir }) => mkdirSync(join(dir, "m-01234567")),
  ],
])("a start brings the mirror in form, and clones nothing: %s", async (_, change) => {
  const it = await stopped();
  const { world, repo, dir, place } = it;
  change(it);
  const from = world.log.length;
  await world.start();
  await compare(world, repo);
  expect(lstatSync(place).isSymbolicLink()).toBe(true);
  expect(VERSION.test(readlinkSync(place))).toBe(true);
  expect(readdirSync(dir).filter((name) => VERSION.test(name))).toHaveLength(1);
  expect(existsSync(`${place}.old`)).toBe(false);
  expect(world.log.slice(from).some(({ result }) => result === "cloned")).toBe(false);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a link to a mirror that is gone leads to a new clone", async () => {
  const { world, repo, version } = await stopped();
  rmSync(version, { recursive: true });
  await world.start();
  world.sweep();
  await world.inStep(repo);
});
