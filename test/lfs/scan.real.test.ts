import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { createLayout } from "../../src/git/disk/layout.js";
import { downloadDue } from "../../src/lfs/download.js";
import { objectFiles } from "../../src/lfs/files.js";
import { createLfsRecords, LFS_TABLES } from "../../src/lfs/records.js";
import { scanMirror } from "../../src/lfs/scan.js";
import { openStore } from "../../src/store/database.js";
import { commits, plainGit, realGit, streamingGit } from "../support/git.js";
import { objectPath, oidOf } from "../support/kept-lfs.js";
import { afterThis } from "../support/listen.js";
import { never } from "../support/mirror.js";
import { tempDir } from "../support/temp.js";
import { commitFiles } from "../support/trees.js";

const ID = 7;
const DAY = 86_400_000;

const pointer = (content: string) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(content)}\nsize ${content.length}\n`;

function setUp() {
  const dataDir = tempDir();
  const layout = createLayout(dataDir);
  const dir = layout.mirror(ID);
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main", dir);
  commits(dir, "main", 1);
  plainGit(dir, "branch", "topic", "main");
  const store = openStore(tempDir(), [LFS_TABLES]);
  afterThis(async () => store.close());
  const records = createLfsRecords(store);
  const clock = { now: Date.now() };
  const files = objectFiles(layout, ID);
  const now = () => clock.now;
  const scan = async () => {
    await files.prepare();
    await scanMirror(
      { git: realGit(), streamGit: streamingGit(), layout, records, timeoutMs: 60_000, now },
      ID,
      files,
      never,
    );
  };
  const due = () =>
    records
      .due(ID, clock.now, 100)
      .map(({ oid }) => oid)
      .sort();
  return { dataDir, dir, records, clock, files, now, scan, due };
}

const oids = (...contents: string[]) => contents.map(oidOf).sort();

test("pointers are found in history, in tags and in files of any size around them; other texts are not", async () => {
  const { dir, scan, due } = setUp();
  commitFiles(dir, { a: pointer("a"), text: "version https://git-lfs.github.com/spec/v1\nsize x\n" });
  commitFiles(dir, { a: pointer("later"), large: `${pointer("large")}${"x".repeat(2_000)}` });
  plainGit(dir, "tag", "-a", "-m", "v1", "v1");
  commitFiles(dir, { b: pointer("b"), empty: pointer("") });
  await scan();
  expect(due()).toEqual(oids("a", "b", "later"));
});

test("a second scan finds what is new, also when a tip of the first one is gone from the mirror", async () => {
  const { dir, scan, due, records } = setUp();
  commitFiles(dir, { a: pointer("a") });
  commitFiles(dir, { b: pointer("of a branch") }, "topic");
  await scan();
  expect(records.scan(ID)?.scan).toBe(1);
  await scan();
  // Nothing has changed, so nothing was looked for.
  expect(records.scan(ID)?.scan).toBe(1);
  plainGit(dir, "update-ref", "-d", "refs/heads/topic");
  plainGit(dir, "reflog", "expire", "--expire=now", "--all");
  plainGit(dir, "gc", "-q", "--prune=now");
  commitFiles(dir, { a: pointer("a"), c: pointer("c") });
  await scan();
  expect(due()).toEqual(oids("a", "c", "of a branch"));
});

test("what no ref needs any more goes with the weekly look at the whole", async () => {
  const { dataDir, dir, scan, due, records, files, clock } = setUp();
  commitFiles(dir, { a: pointer("a") });
  commitFiles(dir, { b: pointer("b") }, "topic");
  await scan();
  for (const content of ["a", "b"]) {
    await files.prepare();
    writeFileSync(join(files.incoming, oidOf(content)), content);
    await files.take([oidOf(content)]);
    records.stored(ID, [oidOf(content)], clock.now);
  }
  plainGit(dir, "update-ref", "-d", "refs/heads/topic");
  await scan();
  expect(records.state(ID)).toMatchObject({ objects: 2, bytes: 2 });
  clock.now += 8 * DAY;
  commitFiles(dir, { c: pointer("c") });
  await scan();
  expect(records.state(ID)).toMatchObject({ objects: 1, bytes: 1, missing: 1 });
  expect(due()).toEqual(oids("c"));
  expect(await files.has({ oid: oidOf("b"), size: 1 })).toBe(false);
  expect(await files.has({ oid: oidOf("a"), size: 1 })).toBe(true);
  expect(objectPath(dataDir, ID, oidOf("a"))).toContain("/lfs/objects/");
});

test("a file that somebody deleted is missing again from the weekly look on", async () => {
  const { dataDir, dir, scan, due, records, files, clock } = setUp();
  commitFiles(dir, { a: pointer("a") });
  await scan();
  await files.prepare();
  writeFileSync(join(files.incoming, oidOf("a")), "a");
  await files.take([oidOf("a")]);
  records.stored(ID, [oidOf("a")], clock.now);
  rmSync(objectPath(dataDir, ID, oidOf("a")));
  clock.now += 8 * DAY;
  commitFiles(dir, { text: "x" });
  await scan();
  expect(due()).toEqual(oids("a"));
});

test("a database that is older than the look has the whole mirror looked at again", async () => {
  const { dir, scan, records, due } = setUp();
  commitFiles(dir, { a: pointer("a") });
  await scan();
  records.forget(ID, oids("a"));
  records.scanned(ID, { scan: 0, scannedAt: 0, wholeAt: Date.now() });
  await scan();
  expect(due()).toEqual(oids("a"));
});

test("an object is asked for again after an hour, then after two; without space nothing is asked", async () => {
  const { dir, scan, records, files, clock, now, due } = setUp();
  commitFiles(dir, { a: pointer("a") });
  await scan();
  let asked = 0;
  let isFull = false;
  const download = () =>
    downloadDue(
      {
        records,
        now,
        timeoutMs: 60_000,
        targetOf: () => ({ installationId: 1, owner: "acme", name: "app" }),
        requireSpace() {
          if (isFull) throw new RefreshError("disk_low", "too little");
        },
        lfs: {
          async ask() {
            asked += 1;
            return new Map();
          },
          download: () => Promise.reject(new Error("no object was located")),
        },
      },
      ID,
      files,
      never,
    );
  const HOUR = 3_600_000;
  expect(await download()).toBe(0);
  expect(records.state(ID)).toMatchObject({ refused: 1, fault: "GitHub does not mention the object" });
  clock.now += 0.9 * HOUR;
  await download();
  expect(asked).toBe(1);
  clock.now += 0.2 * HOUR;
  await download();
  expect(asked).toBe(2);
  clock.now += 1.9 * HOUR;
  await download();
  expect(asked).toBe(2);
  clock.now += 0.2 * HOUR;
  isFull = true;
  await expect(download()).rejects.toMatchObject({ code: "disk_low" });
  expect([asked, due()]).toEqual([2, oids("a")]);
});

test("nothing is made for a repository whose directory is gone", async () => {
  const files = objectFiles(createLayout(tempDir()), ID);
  await expect(files.prepare()).rejects.toThrow(/ENOENT/);
});
