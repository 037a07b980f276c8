import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { PATH } from "./git.js";
import { tempDir } from "./temp.js";

const run = promisify(execFile);

/** A reader on another machine, with git-lfs as `git lfs install` sets it up. */
export function lfsReader() {
  const home = tempDir();
  const env = { PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0", GIT_TRACE: "0" };
  const git = async (...args: string[]) => {
    const { stdout, stderr } = await run("git", args, { cwd: home, env, encoding: "utf8" });
    return stdout + stderr;
  };
  return {
    dir: join(home, "clone"),
    git,
    install: () => git("lfs", "install", "--skip-repo"),
  };
}
