import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asRefreshError } from "../../../src/base/errors.js";
import { openStore } from "../../../src/store/database.js";
import { bareRepository, plainGit, realGit } from "../../support/git.js";
import { fill, smallDisk } from "../../support/small-disk.js";
import { tempDir } from "../../support/temp.js";
import { commitFiles } from "../../support/trees.js";

const T = { timeoutMs: 600_000 };
/** Where the tests cannot mount, the last one says so. */
const NO_MOUNT = "a small file system cannot be mounted here: run the tests as root";

/** What fails for want of space: git says so in several ways, often without the system's own words. */
const FAILURES: [string, (disk: string, commit: string) => Promise<unknown>][] = [
  ["the files of a tree", (disk) => readTree({ dir: disk, index: join(tempDir(), "index") })],
  ["the index of a tree", (disk) => readTree({ dir: tempDir(), index: join(disk, "index") })],
  [
    "a ref",
    (disk, commit) =>
      realGit()({ args: ["update-ref", "refs/heads/new", commit], gitDir: join(disk, "r"), ...T }),
  ],
  [
    "a line of its configuration",
    (disk) => realGit()({ args: ["config", "a.b", "c"], gitDir: join(disk, "r"), ...T }),
  ],
];

function readTree(workTree: { dir: string; index: string }) {
  const { dir } = bareRepository();
  const commit = commitFiles(dir, { a: "a".repeat(10_000), b: "b".repeat(10_000) });
  const call = { gitDir: dir, workTree, config: { "core.bare": "false" }, ...T };
  return realGit()({ args: ["read-tree", "-m", "-u", commit], ...call });
}

test.each(FAILURES)("a disk that is full for %s is disk_full", async (_, write) => {
  const disk = smallDisk("1m");
  if (disk === null) return;
  mkdirSync(join(disk, "r"));
  plainGit(join(disk, "r"), "init", "--quiet", "--bare");
  const { dir, commit } = bareRepository();
  writeFileSync(join(disk, "r/objects/info/alternates"), `${join(dir, "objects")}\n`);
  fill(disk);
  await expect(write(disk, commit)).rejects.toMatchObject({ code: "disk_full" });
});

test("a disk that is full for the database is disk_full", (context) => {
  const disk = smallDisk("1m");
  if (disk === null) return context.skip(NO_MOUNT);
  const steps = ["CREATE TABLE big (text TEXT)"];
  const store = openStore(disk, [{ module: "big", steps }]);
  fill(disk);
  const put = store.prepare("INSERT INTO big VALUES (?)");
  let failure: unknown;
  try {
    for (let n = 0; n < 100; n++) put.run("x".repeat(100_000));
  } catch (error) {
    failure = error;
  }
  store.close();
  expect(asRefreshError(failure)).toMatchObject({ code: "disk_full" });
});
