import { execFile } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import { promisify } from "node:util";

const GIB = 2 ** 30;
/** More than this of each processor's time, and other work is said to have run. */
const BUSY = 0.5;

/** Returns the machine in words, with what else ran on it in the last minute. */
export async function describeMachine(): Promise<string> {
  const { stdout } = await promisify(execFile)("git", ["version"]);
  const processors = cpus();
  const load = loadavg()[0]!;
  const parts = [
    `${processors.length} × ${processors[0]?.model.trim() || "an unnamed processor"}`,
    `${Math.round(totalmem() / GIB)} GiB`,
    stdout.trim().replace("git version", "git"),
    `Node ${process.versions.node}`,
  ];
  if (load > BUSY * processors.length) parts.push(`busy with other work (a load of ${load.toFixed(1)})`);
  return parts.join(", ");
}
