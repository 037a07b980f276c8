import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RunGit } from "../run/exec.js";

interface PackedRefs {
  git: RunGit;
  mirror: string;
  signal: AbortSignal;
}

const TIMEOUT_MS = 120_000;
/** Each takes 44 bytes of a request. */
const TAGS_AT_ONCE = 20_000;

/**
 * Looks in packed-refs for what git takes as it stands there: names that are no refs, an order in which git's binary
 * search misses names, and peeled tags, which git passes on to readers. A flipped bit makes any of them.
 * The format is described in git's refs/packed-backend.c.
 * @returns what is broken; null: nothing, or there is no such file
 * @throws RefreshError, or the system's error, when the answer is unknown
 */
export async function findBrokenPackedRef(inspection: PackedRefs): Promise<string | null> {
  const path = join(inspection.mirror, "packed-refs");
  try {
    return await readThrough(inspection, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function readThrough(inspection: PackedRefs, path: string): Promise<string | null> {
  // Names are compared byte by byte, as git does.
  const input = createReadStream(path, { encoding: "latin1", signal: inspection.signal });
  let isSorted = false;
  let last = { sha: "", name: "" };
  let tags: PeeledTag[] = [];
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.startsWith("#")) {
      isSorted ||= line.split(" ").includes("sorted");
      continue;
    }
    const [, peeled, sha, name] = LINE.exec(line) ?? [];
    if (peeled !== undefined) {
      tags.push({ ...last, peeled });
      if (tags.length < TAGS_AT_ONCE) continue;
      const wrong = await findWrongTag(inspection, tags);
      if (wrong !== null) return `${path} peels ${wrong} to another object`;
      tags = [];
      continue;
    }
    if (sha === undefined || name === undefined) return `${path} has a line that names no ref`;
    // git leaves such a ref out of its answers, with a warning, and a reader's rev-list --all fails at it.
    if (NO_NAME.test(name)) return `${path} has a name that is none`;
    if (isSorted && name <= last.name) return `${path} is not sorted at ${name}`;
    last = { sha, name };
  }
  const wrong = await findWrongTag(inspection, tags);
  return wrong === null ? null : `${path} peels ${wrong} to another object`;
}

const LINE = /^(?:\^([0-9a-f]{40})|([0-9a-f]{40}) (refs\/.+))$/;

/** What no name of a ref has: git-check-ref-format(1). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: names are bytes, and these are refused
const NO_NAME = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$/;

interface PeeledTag {
  /** The tag object that the ref names. */
  sha: string;
  name: string;
  /** What packed-refs says that the tag names in the end. */
  peeled: string;
}

/** @returns the name of the first tag that names another object than packed-refs says; null: none does */
async function findWrongTag({ git, mirror, signal }: PackedRefs, tags: PeeledTag[]): Promise<string | null> {
  if (tags.length === 0) return null;
  // git cat-file --batch-check=%(objectname) --buffer answers <tag>^{} with the object that the tag names in the end
  const { stdout } = await git({
    args: ["cat-file", "--batch-check=%(objectname)", "--buffer"],
    gitDir: mirror,
    timeoutMs: TIMEOUT_MS,
    input: tags.map(({ sha }) => `${sha}^{}\n`).join(""),
    signal,
  });
  const answers = stdout.split("\n");
  return tags.find(({ peeled }, n) => answers[n] !== peeled)?.name ?? null;
}
