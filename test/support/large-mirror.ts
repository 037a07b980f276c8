import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATH, plainGit } from "./git.js";
import { tempDir } from "./temp.js";

/** A mirror whose one file takes 24 MiB, which nothing compresses. */
export function largeMirror(dir = join(tempDir(), "mirror.git")) {
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main", dir);
  const file = join(tempDir(), "file");
  writeFileSync(file, randomBytes(24 * 2 ** 20));
  const blob = plainGit(dir, "hash-object", "-w", file);
  const input = `100644 blob ${blob}\tfile\n`;
  const tree = execFileSync("git", ["mktree"], {
    input,
    env: { PATH, GIT_DIR: dir },
    encoding: "utf8",
  }).trim();
  const main = plainGit(dir, "commit-tree", "-m", "x", tree);
  plainGit(dir, "update-ref", "refs/heads/main", main);
  plainGit(dir, "repack", "-adq");
  return { dir, main };
}
