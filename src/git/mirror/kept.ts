import type { RefChange } from "../../base/model.js";
import { RESERVED_REFS } from "../../base/names.js";
import { mapInSlices, selectInSlices } from "../../base/slices.js";
import type { RunGit } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";
import { swapRefs } from "./refs.js";

/** An old tip of a ref that was forced or deleted. */
export interface KeptTip {
  /** The ref that keeps the tip. */
  name: string;
  /** The tip's former ref; null when that name was too long to be part of `name`. */
  ref: string | null;
  sha: string;
  /** When the tip was kept, in milliseconds since 1970. */
  at: number;
}

/** The refs whose old tip is kept, and the time in the kept ref's name. */
export interface Keep {
  refs: ReadonlySet<string>;
  at: number;
}

export const KEEP_NOTHING: Keep = { refs: new Set(), at: 0 };

const BY_REF = `${RESERVED_REFS}kept/`;
const BY_TIP = `${RESERVED_REFS}kept-by-tip/`;
const NAME = /^refs\/lockstep\/kept(?:-by-tip\/(\d+)-[0-9a-f]+|\/(\d+)-[0-9a-f]+\/(.+))$/;
const TIMEOUT_MS = 120_000;
/** git cuts its messages at 4 KiB (usage.c), and cuts a too long name with them. */
const QUOTED_NAME_LENGTH = 200;

/**
 * Time and tip come first in the name. With the ref first, `a` and a branch called `a/<time>-<tip>` would be
 * a file and a directory of the same name.
 */
const byRef = ({ ref, before: sha }: RefChange, at: number): KeptTip => ({
  name: `${BY_REF}${at}-${sha}/${ref.slice("refs/".length)}`,
  ref,
  sha,
  at,
});

const byTip = ({ sha, at }: KeptTip): KeptTip => ({ name: `${BY_TIP}${at}-${sha}`, ref: null, sha, at });

/** Returns the names under which the old tips of changes are kept. */
export async function keptTips(changes: RefChange[], keep: Keep): Promise<KeptTip[]> {
  const left = await selectInSlices(changes, ({ ref }) => keep.refs.has(ref));
  return mapInSlices(left, (change) => byRef(change, keep.at));
}

/**
 * Changes refs as `swapRefs` does; old tips get their names in the same transaction. A name that cannot be
 * made (too long for the disk, say) never blocks a change: the name is then made from the tip alone.
 */
export async function swapKeeping(
  git: RunGit,
  gitDir: string,
  changes: RefChange[],
  tips: KeptTip[],
): Promise<KeptTip[]> {
  let recorded = tips;
  for (let tries = 1; ; tries++) {
    try {
      await swapRefs(git, gitDir, changes, recorded);
      return recorded;
    } catch (error) {
      const said = error instanceof GitFailure ? error.stderr : "";
      const inTheWay = recorded.filter(({ name }) => said.includes(name.slice(0, QUOTED_NAME_LENGTH)));
      if (inTheWay.length === 0 || tries > 2) throw error;
      recorded = recorded.map((tip) => (tries > 1 || inTheWay.includes(tip) ? byTip(tip) : tip));
    }
  }
}

export const makeKept = (git: RunGit, gitDir: string, tips: KeptTip[]) => swapKeeping(git, gitDir, [], tips);

/** Reads kept tips of a mirror, oldest first. @param name the only one to read, or a directory of them */
export async function readKept(
  git: RunGit,
  gitDir: string,
  signal?: AbortSignal,
  name = RESERVED_REFS,
): Promise<KeptTip[]> {
  // git for-each-ref --format='%(objectname) %(refname)' refs/lockstep/
  const tips: KeptTip[] = [];
  await git({
    args: ["for-each-ref", "--format=%(objectname) %(refname)", name],
    gitDir,
    timeoutMs: TIMEOUT_MS,
    takeLine(line) {
      const [sha = "", name = ""] = line.split(" ");
      const [, timeOfTip, timeOfRef, ref] = NAME.exec(name) ?? [];
      const at = Number(timeOfTip ?? timeOfRef);
      if (!Number.isNaN(at)) tips.push({ name, ref: ref === undefined ? null : `refs/${ref}`, sha, at });
    },
    ...(signal && { signal }),
  });
  return tips.sort((a, b) => a.at - b.at);
}
