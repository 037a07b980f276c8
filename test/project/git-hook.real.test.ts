import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../tools/package-root.js";
import { hermeticEnv } from "../../tools/standin/git.js";
import { tempDir } from "../support/temp.js";

const UNFORMATTED = "export const a = {b:1}\n";
const FORMATTED = "export const a = { b: 1 };\n";

/** A repository with this one's hook and configuration of Biome. */
function repository() {
  const dir = tempDir();
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: dir, env: hermeticEnv(), encoding: "utf8", stdio: "pipe" });
  mkdirSync(join(dir, ".githooks"));
  for (const file of [".githooks/pre-commit", "biome.json", ".gitignore"])
    copyFileSync(join(packageRoot(), file), join(dir, file));
  cpSync(join(packageRoot(), "tools/lint"), join(dir, "tools/lint"), { recursive: true });
  symlinkSync(join(packageRoot(), "node_modules"), join(dir, "node_modules"));
  git("init", "-q");
  const { scripts } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  execFileSync("sh", ["-c", scripts.hooks], { cwd: dir, env: hermeticEnv() });
  return { git, write: (file: string, text: string) => writeFileSync(join(dir, file), text) };
}

test("a commit formats what is staged, and nothing else", () => {
  const { git, write } = repository();
  write("a file.ts", UNFORMATTED);
  write("other.ts", UNFORMATTED);
  write("picture.bin", "\0");
  git("add", "a file.ts", "picture.bin");
  git("commit", "-q", "-m", "One");
  expect(git("show", "HEAD:a file.ts")).toBe(FORMATTED);
  expect(git("status", "--short", "other.ts")).toBe("?? other.ts\n");
  git("rm", "-q", "a file.ts");
  git("commit", "-q", "-m", "Two");
});

test("a file that is staged in part is not staged whole: the commit is refused until it is formatted", () => {
  const { git, write } = repository();
  write("a.ts", UNFORMATTED);
  git("add", "a.ts");
  write("a.ts", `${UNFORMATTED}// later\n`);
  expect(() => git("commit", "-q", "-m", "One")).toThrow(/a\.ts/);
  expect(git("show", ":a.ts")).toBe(UNFORMATTED);
});
