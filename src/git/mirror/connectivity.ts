import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";
import type { GitCall, GitResult } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";

/** `corrupt` names an object that is missing or broken. */
export type Verdict = { sound: true } | { sound: false; object: string; reason: string };

type Run = (args: string[], more?: Partial<GitCall>) => Promise<GitResult>;

/** The check reads the objects themselves, not what the graph has recorded about them. */
const OBJECTS_ONLY = { "core.commitGraph": "false", "core.multiPackIndex": "false" };

/**
 * Whether every object that a ref reaches exists, as git asks after a fetch (connected.c).
 * `git fsck --connectivity-only` is not used: fsck lists the objects first and reads the refs then, so fsck
 * reports what a refresh brings in between as "missing".
 * Corrupt is only what git names twice, in two runs with the same failure, while every file of the object
 * store can be read. A concurrent repack may hide an object from one run, never from both.
 * @param filter what need not exist, as an option of git rev-list
 * @throws RefreshError when the answer is unknown: out of time or memory, interrupted, unreadable
 */
export async function checkConnectivity(mirror: string, run: Run, filter: string[]): Promise<Verdict> {
  const first = await findFault(run, filter);
  if (!first) return { sound: true };
  const second = await findFault(run, filter);
  if (!second) return { sound: true };
  await requireReadable(join(mirror, "objects"));
  const object = first.objects.find((name) => second.objects.includes(name));
  if (object) return { sound: false, object, reason: second.reason };
  throw new RefreshError("git", `two checks reported different objects: ${first.reason}; ${second.reason}`);
}

/** @returns what git reports as missing or broken; null: nothing */
async function findFault(run: Run, filter: string[]): Promise<{ objects: string[]; reason: string } | null> {
  // git rev-list --all is not used: it leaves out a ref whose object is missing.
  const { stdout: tips } = await run(["for-each-ref", "--format=%(objectname)"], { urgency: "refresh" });
  if (tips === "") return null;
  try {
    const args = ["rev-list", "--objects", ...filter, "--quiet", "--stdin"];
    await run(args, { input: tips, config: OBJECTS_ONLY });
    return null;
  } catch (error) {
    if (!(error instanceof GitFailure) || error.code !== "corrupt") throw error;
    const objects = error.stderr.match(/\b[0-9a-f]{40}\b/g) ?? [];
    if (objects.length === 0) throw error;
    return { objects, reason: error.message };
  }
}

/** An unreadable index, or a disk that does not answer, makes every object of it appear missing. */
async function requireReadable(objects: string): Promise<void> {
  for (const entry of await readdir(objects, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    try {
      await access(path, entry.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue; // A repack has removed the file.
      throw new RefreshError("permission", `${path} cannot be read`, { cause: error });
    }
  }
}
