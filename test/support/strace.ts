import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startersOf } from "../../tools/torture/processes.js";
import { tempDir } from "./temp.js";

/** One system call that makes something durable, or gives a file its name. */
export interface SystemCall {
  name: string;
  /** The path that was synced, or the new name. */
  path: string;
}

/** @returns why this process cannot be traced; null: it can */
export function whyNoTrace(): string | null {
  const { error, status } = spawnSync("strace", ["-qq", "-e", "trace=none", "true"]);
  if (error) return "strace is missing: run npm run test:setup";
  return status === 0 ? null : "strace may not trace here: it needs CAP_SYS_PTRACE";
}

const CALLS = "fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,symlink,symlinkat";

/** Records what this process, the one that starts git for it, and their children make durable while `act` runs, in the order of the calls. */
export async function traced(act: () => Promise<void>): Promise<SystemCall[]> {
  const file = join(tempDir(), "trace");
  const pids = [process.pid, ...startersOf(process.pid)];
  const args = ["-f", "-y", "-s", "4096", "-e", `trace=${CALLS}`, "-o", file];
  args.push(...pids.flatMap((pid) => ["-p", String(pid)]));
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  // strace reports each process that it has attached to.
  let said = "";
  await new Promise<void>((resolve, reject) => {
    strace.stderr.on("data", (text: Buffer) => {
      said += String(text);
      if (pids.every((pid) => said.includes(`Process ${pid} attached`))) resolve();
    });
    strace.once("exit", () => reject(new Error("strace could not attach to this process")));
  });
  try {
    await act();
  } finally {
    strace.kill("SIGINT");
    await once(strace, "exit");
  }
  return readFileSync(file, "utf8").split("\n").flatMap(parse);
}

/** A call that another thread interrupted is on two lines; the first has its arguments. */
function parse(line: string): SystemCall[] {
  const [, name = "", rest = ""] = /^\d+ +(\w+)\((.*)$/.exec(line) ?? [];
  if (name === "") return [];
  const synced = /^\d+<([^>]+)>/.exec(rest)?.[1];
  const named = [...rest.matchAll(/"([^"]+)"/g)].at(-1)?.[1];
  const path = synced !== undefined && /sync/.test(name) ? synced : named;
  return path === undefined ? [] : [{ name, path }];
}
