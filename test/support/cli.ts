import { execFile } from "node:child_process";
import { tempDir } from "./temp.js";

export interface Told {
  code: number;
  out: string;
  err: string;
}

/** `lockstep …` in a process of its own, in an empty directory. */
export function cli(env: Record<string, string>, ...args: string[]): Promise<Told> {
  return cliIn(tempDir(), env, ...args);
}

export function cliIn(cwd: string, env: Record<string, string>, ...args: string[]): Promise<Told> {
  const options = { env: { PATH: process.env.PATH ?? "", ...env }, cwd };
  const file = new URL("../../lib/cli.js", import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], options, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}
