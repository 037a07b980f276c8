import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { requireReadable } from "./connectivity.js";
import type { GitCall, GitResult } from "./exec.js";

type Run = (args: string[], more?: Partial<GitCall>) => Promise<GitResult>;

/** Contents that are not there are left out; without a commit or a tree it stops all the same. git-pack-objects(1) */
export const ALLOW_MISSING = "--missing=allow-any";

const QUIETLY = ["--non-empty", "--delta-base-offset", "--honor-pack-keep", "-q"];
const PARTS = ["idx", "rev", "bitmap", "mtimes", "promisor", "pack"];

/**
 * What `git repack -a -d -l`, with `--cruft` where an expiry is given, does to a repository that has all it should:
 * of one without some contents it stops at the first. The caller is the only writer.
 * @param expiry as of --cruft-expiration; null: what nothing leads to is left where it is not packed
 */
export async function repackPresent(run: Run, gitDir: string, expiry: string | null): Promise<void> {
  const packs = join(gitDir, "objects", "pack");
  const old = readdirSync(packs).flatMap((name) => /^(pack-[\da-f]+)\.pack$/.exec(name)?.[1] ?? []);
  const pack = async (options: string[], input: string) => {
    // git pack-objects <options> <directory>/pack: prints the hash in the name of each pack
    const { stdout } = await run(["pack-objects", ...options, ...QUIETLY, join(packs, "pack")], { input });
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((hash) => `pack-${hash}`);
  };
  // An empty line: no revisions but those.
  const made = await pack(["--all", "--local", ALLOW_MISSING], "\n");
  // What cannot be read at the moment is not what is missing.
  await requireReadable(join(gitDir, "objects"));
  const gone = old.filter((name) => !made.includes(name) && !existsSync(join(packs, `${name}.keep`)));
  if (expiry !== null) {
    const list = [...made.map((name) => `${name}.pack`), ...gone.map((name) => `-${name}.pack`), ""];
    made.push(...(await pack(["--cruft", `--cruft-expiration=${expiry}`], list.join("\n") || "\n")));
  }
  rmSync(join(packs, "multi-pack-index"), { force: true });
  for (const name of gone.filter((one) => !made.includes(one)))
    for (const part of PARTS) rmSync(join(packs, `${name}.${part}`), { force: true });
}
