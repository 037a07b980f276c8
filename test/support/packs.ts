import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PATH, plainGit } from "./git.js";
import { tempDir } from "./temp.js";

const env = { PATH, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };

/** A repository at GitHub, and a mirror that has what its branch `main` was at one time. */
export function mirrorBehind(setUp: (upstream: string) => void) {
  const upstream = join(tempDir(), "upstream.git");
  plainGit(upstream, "init", "-q", "--bare", "--initial-branch=main", upstream);
  setUp(upstream);
  const base = plainGit(upstream, "rev-parse", "main");
  const mirror = join(tempDir(), "mirror.git");
  mkdirSync(mirror);
  plainGit(mirror, "clone", "-q", "--mirror", `file://${upstream}`, mirror);
  return { upstream, mirror, base };
}

/** The pack that upload-pack sends for a commit to whoever has the base. */
export function packFor(repository: string, commit: string, base: string, ...options: string[]): Buffer {
  const input = `${commit}\n^${base}\n`;
  const args = ["pack-objects", "--revs", "--thin", "--stdout", "-q", "--delta-base-offset", ...options];
  return execFileSync("git", args, { input, env: { ...env, GIT_DIR: repository } });
}

/** A pack of exactly these objects. */
export function packOf(repository: string, objects: readonly string[]): Buffer {
  const input = objects.map((object) => `${object}\n`).join("");
  return execFileSync("git", ["pack-objects", "--stdout", "-q"], {
    input,
    env: { ...env, GIT_DIR: repository },
  });
}

/** Names of the objects that a commit needs, and the base does not. */
export const newObjects = (repository: string, commit: string, base: string): string[] =>
  plainGit(repository, "rev-list", "--objects", "--no-object-names", commit, "--not", base)
    .split("\n")
    .filter(Boolean);

/** Makes a commit by what git-fast-import(1) reads after its header, such as `M 100644 inline a\ndata 1\nx\n`. */
export function commitTo(
  repository: string,
  branch: string,
  changes: string,
  from = `refs/heads/${branch}^0`,
) {
  const start = from === "" ? "" : `from ${from}\n`;
  const input = `commit refs/heads/${branch}\ncommitter T <t@example.com> 1700000000 +0000\ndata 1\nx\n${start}${changes}\n`;
  execFileSync("git", ["fast-import", "--quiet", "--force"], { input, env: { ...env, GIT_DIR: repository } });
  return plainGit(repository, "rev-parse", `refs/heads/${branch}`);
}

/** A line of a commit that writes a file. */
export const file = (path: string, content: string): string =>
  `M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`;
