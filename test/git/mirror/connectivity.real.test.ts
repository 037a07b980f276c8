import {
  chmodSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { RefreshError } from "../../../src/base/errors.js";
import { commits, looseFile, plainGit, stuckGit } from "../../support/git.js";
import { mirrorWith, never } from "../../support/mirror.js";
import { tempDir } from "../../support/temp.js";

const DAMAGES: [string, string, (file: string) => void][] = [
  ["an old blob is missing", "main~20:file", (file) => rmSync(file)],
  ["a tree is missing", "main~20^{tree}", (file) => rmSync(file)],
  ["a commit is missing that the graph knows", "main~20", (file) => rmSync(file)],
  ["a ref's own object is missing", "main", (file) => rmSync(file)],
  ["a tree is cut short", "main~20^{tree}", (file) => cut(file, 12)],
  ["a commit is empty", "main~20", (file) => cut(file, 0)],
  ["a commit is garbage", "main~20", (file) => replace(file, "garbage")],
];

test.each(DAMAGES)("corrupt: %s", async (_, what, damage) => {
  const { id, dir, upkeep } = mirrorWith(30);
  plainGit(dir, "commit-graph", "write", "--reachable");
  expect(await upkeep.check(id, never)).toEqual({ sound: true });
  const named = what.endsWith(":file") ? plainGit(dir, "ls-tree", "main~20").split(/\s/)[2]! : "";
  const object = named || plainGit(dir, "rev-parse", what);
  damage(looseFile(dir, object));
  expect(await upkeep.check(id, never)).toMatchObject({ sound: false, object });
});

test.each([
  ["gone", (file: string) => rmSync(file)],
  ["cut short", (file: string) => cut(file, 100)],
])("corrupt: a pack is %s", async (_, damage) => {
  const { id, dir, upkeep } = mirrorWith(30);
  plainGit(dir, "repack", "-adq");
  damage(packFile(dir, ".pack"));
  expect(await upkeep.check(id, never)).toMatchObject({ sound: false });
});

test("an object that only unreachable objects need may be missing", async () => {
  const { id, dir, upkeep } = mirrorWith(3);
  const tip = commits(dir, "gone", 3);
  const blob = plainGit(dir, "ls-tree", tip).split(/\s/)[2]!;
  plainGit(dir, "update-ref", "-d", "refs/heads/gone");
  rmSync(looseFile(dir, blob));
  expect(await upkeep.check(id, never)).toEqual({ sound: true });
});

test("a mirror is sound while refs move and packs are replaced in it", async () => {
  const { id, dir, upkeep } = mirrorWith(200);
  let checking = true;
  const writing = (async () => {
    for (let n = 0; checking; n++) {
      commits(dir, `b${n % 20}-${n}`, 2);
      if (n % 5 === 0) await upkeep.tidy(id, never);
      await new Promise(setImmediate);
    }
  })();
  for (let n = 0; n < 15; n++) expect(await upkeep.check(id, never)).toEqual({ sound: true });
  checking = false;
  await writing;
});

/** Returns a git whose rev-list runs the command first. */
function afterwards(command: string): string {
  const binary = join(tempDir(), "git");
  const script = `#!/bin/sh\n[ "$1" = rev-list ] && ${command}\nexec git "$@"\n`;
  writeFileSync(binary, script, { mode: 0o755 });
  return binary;
}

test("a check that is killed proves nothing", async () => {
  const { id, upkeep } = mirrorWith(3, { binary: afterwards("kill -9 $$") });
  await expect(upkeep.check(id, never)).rejects.toMatchObject({ code: "git" });
});

test.each([4_000, 7_000, 8_000, 9_000, 12_000])("with %i KiB of memory no mirror is corrupt", async (kib) => {
  const { id, dir, upkeep } = mirrorWith(100, { binary: afterwards(`ulimit -v ${kib}`) });
  plainGit(dir, "repack", "-adq");
  const verdict = await upkeep.check(id, never).catch((error: RefreshError) => error.code);
  expect(["git", "out_of_resources", { sound: true }]).toContainEqual(verdict);
});

test("a check that takes too long, is cut off, or finds no git proves nothing", async () => {
  const stuck = stuckGit("rev-list");
  const late = mirrorWith(3, { binary: stuck.binary, timeoutMs: 500 });
  await expect(late.upkeep.check(late.id, never)).rejects.toMatchObject({ code: "timeout" });
  const abort = new AbortController();
  const cutOff = mirrorWith(3, { binary: stuck.binary });
  const running = cutOff.upkeep.check(cutOff.id, abort.signal);
  running.catch(() => {});
  await stuck.begun();
  abort.abort();
  await expect(running).rejects.toMatchObject({ code: "cancelled" });
  const none = mirrorWith(3, { binary: "no-such-git" });
  await expect(none.upkeep.check(none.id, never)).rejects.toMatchObject({ code: "no_git" });
});

test("an object that cannot be read is not missing", async () => {
  const { id, dir, upkeep } = mirrorWith(30);
  const blob = plainGit(dir, "ls-tree", "main~20").split(/\s/)[2]!;
  const folder = dirname(looseFile(dir, blob));
  renameSync(folder, `${folder}-away`);
  symlinkSync(folder, folder); // ELOOP, for whomever: a mode would not stop root
  await expect(upkeep.check(id, never)).rejects.toMatchObject({
    code: expect.stringMatching(/^(permission|git)$/),
  });
});

test("a fault that the second check does not find does not count", async () => {
  const { id, upkeep } = mirrorWith(30, { binary: hidingOnce() });
  expect(await upkeep.check(id, never)).toEqual({ sound: true });
});

/** Returns a git whose first rev-list runs while another process has moved an object away. */
function hidingOnce(): string {
  const dir = tempDir();
  const binary = join(dir, "git");
  const hide =
    'p="$GIT_DIR/objects"; mv "$p" "$p.away"; mkdir "$p"; git "$@"; c=$?; rmdir "$p"; mv "$p.away" "$p"; exit $c';
  writeFileSync(
    binary,
    `#!/bin/sh\nif [ "$1" = rev-list ] && mkdir ${dir}/once 2>/dev/null; then ${hide}; fi\nexec git "$@"\n`,
  );
  chmodSync(binary, 0o755);
  return binary;
}

const packFile = (dir: string, ending: string): string =>
  join(dir, "objects/pack", readdirSync(join(dir, "objects/pack")).find((name) => name.endsWith(ending))!);

/** Objects are read-only, and a hard link must not be written through. */
function cut(file: string, bytes: number): void {
  chmodSync(file, 0o600);
  truncateSync(file, bytes);
}

function replace(file: string, content: string): void {
  rmSync(file);
  writeFileSync(file, content);
}
