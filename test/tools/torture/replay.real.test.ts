import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildDirectory } from "../../../tools/torture/replay/build.js";
import { Disk } from "../../../tools/torture/replay/disk.js";
import type { Unsynced } from "../../../tools/torture/replay/file.js";
import { OPERATION_CALLS, type Operation } from "../../../tools/torture/trace/operations.js";
import { readOperations } from "../../../tools/torture/trace/record.js";
import { whyNoTrace } from "../../support/strace.js";
import { tempDir } from "../../support/temp.js";

const reason = whyNoTrace();

/** Runs a script in a directory under strace. @returns the operations, and what the directory had before */
async function recorded(
  script: string,
  before = "",
): Promise<{ dir: string; copy: string; operations: Operation[] }> {
  const dir = join(tempDir(), "data");
  const copy = join(tempDir(), "before");
  const file = join(tempDir(), "calls");
  mkdirSync(dir);
  execFileSync("sh", ["-ec", before], { cwd: dir });
  execFileSync("cp", ["-a", dir, copy]);
  const options = ["-f", "-y", "-o", file, "-s", "1000000", "-e", `trace=${OPERATION_CALLS}`];
  execFileSync("strace", [...options, "sh", "-ec", script], { cwd: dir, stdio: "ignore" });
  return { dir, copy, operations: await readOperations(file) };
}

function replayed(
  { dir, copy, operations }: Awaited<ReturnType<typeof recorded>>,
  unsynced: Unsynced,
): string {
  const disk = new Disk(dir, copy);
  for (const operation of operations) disk.apply(operation);
  const built = join(tempDir(), "built");
  mkdirSync(built);
  buildDirectory(disk.root, built, unsynced);
  return built;
}

/** Returns the content of each file, and the target of each link, by its path. */
function contents(dir: string): Record<string, string> {
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const stat = lstatSync(join(dir, path));
      if (stat.isSymbolicLink()) return [path, `-> ${readlinkSync(join(dir, path))}`];
      return [path, stat.isDirectory() ? "directory" : readFileSync(join(dir, path), "latin1")];
    }),
  );
}

test.skipIf(reason)("what git did to a repository is what the replay of its calls builds", async () => {
  const commit = "git -c user.name=a -c user.email=a@b commit -qm one";
  const run = await recorded(
    `ln -s repo link; cd link; printf 'tief \\"\\\\ é' > 'ü "x"'; git add .; ${commit}; git gc -q; git branch b; git branch -D b; mv a ../c`,
    "git init -q repo; echo a > repo/a",
  );
  expect(contents(replayed(run, "present"))).toEqual(contents(run.dir));
});

test.skipIf(reason)("what was synced stays, and what was not can be cut, empty or lost", async () => {
  const run = await recorded(
    "printf 12345678 > new; printf 1234 > old; printf abcd > synced; sync synced; mkdir d; : > d/e; sync d",
    "printf before > old",
  );
  expect(contents(replayed(run, "present"))).toMatchObject({
    new: "12345678",
    old: "1234",
    synced: "abcd",
    "d/e": "",
  });
  expect(contents(replayed(run, "half"))).toMatchObject({ new: "1234", old: "12", synced: "abcd" });
  expect(contents(replayed(run, "empty"))).toMatchObject({ new: "", old: "", synced: "abcd" });
  // The root was not synced, so it has no new names.
  expect(contents(replayed(run, "lost"))).toEqual({ old: "before" });
});

test.skipIf(reason)("a name is certain after a sync of its directory", async () => {
  const run = await recorded("printf ab > x; sync x; mv x y; sync .; mv y z; mkdir -p d/e; sync .");
  expect(contents(replayed(run, "lost"))).toEqual({ d: "directory", z: "ab" });
});
