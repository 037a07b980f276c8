import { execFile } from "node:child_process";
import { tempDir } from "./temp.js";

export interface Call {
  code: number;
  out: string;
  err: string;
}

/** Runs `lockstep …` in its own process, in an empty directory. */
export function cli(env: Record<string, string>, ...args: string[]): Promise<Call> {
  return cliIn(tempDir(), env, ...args);
}

export function cliIn(cwd: string, env: Record<string, string>, ...args: string[]): Promise<Call> {
  const options = { env: { PATH: process.env.PATH ?? "", ...env }, cwd };
  const file = new URL("../../lib/cli.js", import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], options, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}
