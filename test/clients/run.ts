import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PATH } from "../support/git.js";

const exec = promisify(execFile);

export interface Where {
  cwd: string;
  /** Further variables. */
  env?: Record<string, string>;
}

/** Runs a program as somebody on another machine does, with a home of its own. @returns what it prints to stdout */
export async function run(program: string, args: string[], { cwd, env = {} }: Where): Promise<string> {
  const { stdout } = await exec(program, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: {
      PATH,
      HOME: cwd,
      LC_ALL: "C.UTF-8",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "R",
      GIT_AUTHOR_EMAIL: "r@example.com",
      GIT_COMMITTER_NAME: "R",
      GIT_COMMITTER_EMAIL: "r@example.com",
      ...env,
    },
  });
  return stdout.trim();
}
