import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { mirrorPath } from "../mirror.js";
import { hermeticEnv } from "../standin/git.js";
import type { Repo, StandIn } from "../standin/index.js";

const SETTLE_MS = 5000;

/** Returns all refs of a mirror except Lockstep's own. */
export async function mirrorTips(mirror: string): Promise<Map<string, string>> {
  const args = ["-C", mirror, "for-each-ref", "--format=%(objectname) %(refname)"];
  const options = { env: hermeticEnv(), maxBuffer: 1 << 30 };
  const { stdout } = await promisify(execFile)("git", args, options);
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.includes(" refs/lockstep/"));
  return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
}

/** Returns the differences between upstream and mirror, as lines to read. A running refresh may end first. */
export async function differences(standin: StandIn, repo: Repo, dataDir: string): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const upstream = await standin.tips(repo);
    const mirror = await mirrorTips(mirrorPath(dataDir, repo.owner, repo.name));
    const refs = new Set([...upstream.keys(), ...mirror.keys()]);
    const found = [...refs].filter((ref) => upstream.get(ref) !== mirror.get(ref));
    if (found.length === 0 || performance.now() > deadline)
      return found.map(
        (ref) =>
          `${repo.owner}/${repo.name} ${ref}: ${upstream.get(ref) ?? "none"}, mirror ${mirror.get(ref) ?? "none"}`,
      );
    await sleep(100);
  }
}
