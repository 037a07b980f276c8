import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp.js";

const PROGRAM = new URL("../../lib/cli.js", import.meta.url).pathname;

/** Returns bash's completions of a typed line. Reading the script twice, as a new shell in a shell does, changes nothing. */
export function offered(env: Record<string, string>, ...words: string[]) {
  const bin = tempDir();
  writeFileSync(join(bin, "lockstep"), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`, {
    mode: 0o755,
  });
  const script = `
    source <(lockstep completion bash)
    source <(lockstep completion bash)
    COMP_WORDS=(lockstep "$@") COMP_CWORD=$#
    _lockstep
    printf '%s\n' "\${COMPREPLY[@]}"`;
  const options = { env: { ...env, PATH: `${bin}:${process.env.PATH}` }, encoding: "utf8" } as const;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", ...words], options);
  return { words: stdout.split("\n").filter(Boolean), stderr };
}
