import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Releasers } from "../tools/releasers.js";
import { Git, hermeticEnv } from "../tools/standin/git.js";
import type { Push } from "../tools/standin/index.js";
import type { Way } from "./way.js";
import { fetchScript } from "./ways/fetch-script.js";
import { gitSyncSteps } from "./ways/git-sync.js";

export interface Upstream {
  url: string;
  /** An installation token. */
  token: string;
  caFile: string | undefined;
}

/** The way fetches as Lockstep does, without its gateway and without maintenance. */
export const SCRATCH_FETCH = "scratch fetch, straight";
/** git's own maintenance begins only at 6,700 loose objects or 50 packs (gc.auto, gc.autoPackLimit). */
export const NEVER_MAINTAINED = "git fetch of one ref, gc.auto=0";

/**
 * Returns what people run by hand or from cron, each in a separate mirror. The others are compared with the
 * last one.
 */
export async function plainWays(dir: string, upstream: Upstream, releasers: Releasers): Promise<Way[]> {
  const git = new Git();
  const env = { ...hermeticEnv(), ...(upstream.caFile ? { GIT_SSL_CAINFO: upstream.caFile } : {}) };
  const basic = Buffer.from(`x-access-token:${upstream.token}`).toString("base64");
  const remote = ["-c", `http.extraHeader=Authorization: Basic ${basic}`];
  const first = join(dir, "first.git");
  // git clone --mirror <url>
  await git.run(dir, [...remote, "clone", "--quiet", "--mirror", upstream.url, first], { env });
  const copy = async (name: string): Promise<string> => {
    const mirror = join(dir, `${name}.git`);
    await cp(first, mirror, { recursive: true });
    return mirror;
  };
  const command = async (name: string, id: string, args: string[]): Promise<Way> => {
    const mirror = await copy(id);
    return { name, bring: () => timed(() => git.run(mirror, [...remote, ...args], { env })) };
  };
  const oneRef = ["fetch", "--quiet", "origin", "+refs/heads/main:refs/heads/main"];
  const scratchMirror = await copy("scratch");
  const script = await fetchScript({ dir, mirror: await copy("webhook"), remote, env, releasers });
  return [
    ...(script ? [script] : []),
    await gitSyncSteps(dir, { git, url: upstream.url, remote, env }),
    await command("git fetch --prune", "fetch", ["fetch", "--quiet", "--prune"]),
    await command("git remote update", "update", ["remote", "update"]),
    await command("git fetch of one ref", "one-ref", oneRef),
    await command(NEVER_MAINTAINED, "never", ["-c", "gc.auto=0", ...oneRef]),
    {
      name: SCRATCH_FETCH,
      bring: (push) => timed(() => scratchFetch(git, scratchMirror, upstream.url, remote, env, push)),
    },
  ];
}

/**
 * GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects
 *   git fetch --no-tags --no-write-fetch-head --no-auto-maintenance <url> +<after>:refs/x/1
 * git update-ref --stdin, in the mirror
 */
async function scratchFetch(
  git: Git,
  mirror: string,
  url: string,
  remote: string[],
  env: NodeJS.ProcessEnv,
  { ref, before, after }: Push,
): Promise<void> {
  const scratch = `${mirror}.scratch`;
  await mkdir(join(scratch, "refs", "heads"), { recursive: true });
  await writeFile(join(scratch, "HEAD"), "ref: refs/heads/have\n");
  await writeFile(join(scratch, "refs", "heads", "have"), `${before}\n`);
  const flags = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
  await git.run(mirror, [...remote, "fetch", ...flags, url, `+${after}:refs/x/1`], {
    env: { ...env, GIT_DIR: scratch, GIT_OBJECT_DIRECTORY: join(mirror, "objects") },
  });
  const input = `update ${ref} ${after} ${before}\n`;
  await git.run(mirror, ["update-ref", "--stdin"], { env, input });
  await rm(scratch, { recursive: true });
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}
