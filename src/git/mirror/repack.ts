import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncPath } from "../../machine/durable.js";
import type { GitCall, GitResult } from "../run/exec.js";

type Run = (args: string[], more?: Partial<GitCall>) => Promise<GitResult>;

/** Missing contents are left out; a missing commit or tree still stops the pack. git-pack-objects(1) */
export const ALLOW_MISSING = "--missing=allow-any";

const QUIETLY = ["--non-empty", "--delta-base-offset", "--honor-pack-keep", "-q"];
const PARTS = ["idx", "rev", "bitmap", "mtimes", "promisor", "keep", "pack"];
/** An empty line adds no revisions to those of the options. */
const NO_MORE = "\n";

/**
 * Does what `git repack -a -d --cruft` does, for a mirror that lacks some contents: git's own command stops
 * at the first. The caller is the only writer.
 * @param expiry as of --cruft-expiration
 */
export async function repackPresent(run: Run, gitDir: string, expiry: string): Promise<void> {
  const packs = packsOf(run, gitDir);
  const made = await packs.make(["--all", ALLOW_MISSING], NO_MORE);
  const removedPacks = packs.old.filter((name) => !made.includes(name));
  const list = [...made.map((name) => `${name}.pack`), ...removedPacks.map((name) => `-${name}.pack`), ""];
  const cruft = ["--cruft", `--cruft-expiration=${expiry}`];
  made.push(...(await packs.make(cruft, list.join("\n") || NO_MORE)));
  await packs.drop(removedPacks.filter((name) => !made.includes(name)));
}

/**
 * Packs a content store again: the submodules' commits with everything that they lead to, whether the mirror
 * has it or not, and the part of the made trees that the mirror does not have.
 */
export async function repackStore(run: Run, gitDir: string, commits: string[]): Promise<void> {
  const objects = join(gitDir, "objects", "pack");
  // A killed repack may have left these files.
  for (const name of readdirSync(objects)) if (name.endsWith(".keep")) rmSync(join(objects, name));
  const packs = packsOf(run, gitDir);
  const whole = commits.length === 0 ? [] : await packs.make(["--revs"], `${commits.join("\n")}\n`);
  const marks = whole.map((name) => join(packs.dir, `${name}.keep`));
  // What the packs with a .keep have is not packed a second time.
  for (const mark of marks) writeFileSync(mark, "");
  const rest = await packs.make(["--all", "--local", ALLOW_MISSING], NO_MORE).finally(() => {
    for (const mark of marks) rmSync(mark, { force: true });
  });
  await packs.drop(packs.old.filter((name) => ![...whole, ...rest].includes(name)));
  await run(["prune", "--expire=now"]);
}

function packsOf(run: Run, gitDir: string) {
  const dir = join(gitDir, "objects", "pack");
  const old = readdirSync(dir).flatMap((name) => /^(pack-[\da-f]+)\.pack$/.exec(name)?.[1] ?? []);
  return {
    dir,
    /** Packs that existed before and that no .keep protects. */
    old: old.filter((name) => !existsSync(join(dir, `${name}.keep`))),
    async make(options: string[], input: string): Promise<string[]> {
      // git pack-objects <options> <directory>/pack prints the hash in the name of each pack
      const { stdout } = await run(["pack-objects", ...options, ...QUIETLY, join(dir, "pack")], { input });
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((hash) => `pack-${hash}`);
    },
    /**
     * git has already stopped at a pack that cannot be read, so an unreadable pack's objects do not count as
     * missing. The new packs must have their names on disk first.
     */
    async drop(names: string[]): Promise<void> {
      await syncPath(dir);
      rmSync(join(dir, "multi-pack-index"), { force: true });
      for (const name of names)
        for (const part of PARTS) rmSync(join(dir, `${name}.${part}`), { force: true });
    },
  };
}
