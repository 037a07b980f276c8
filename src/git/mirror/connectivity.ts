import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";
import type { GitCall, GitResult } from "../run/exec.js";
import { GitFailure } from "../run/failure.js";

/** `corrupt` names an object that is missing or broken. */
export type Verdict = { sound: true } | { sound: false; object: string; reason: string };

type Run = (args: string[], more?: Partial<GitCall>) => Promise<GitResult>;

/** From the objects themselves, not from what the graph remembers of them. */
const OBJECTS_ONLY = { "core.commitGraph": "false", "core.multiPackIndex": "false" };

/**
 * Whether every object that a ref reaches is there, as git asks after a fetch (connected.c). Not
 * `git fsck --connectivity-only`: it notes the objects first and reads the refs then, so whatever a
 * refresh brings in between is "missing" to it.
 *
 * Corrupt is only what git names twice, in two runs of the same failure, while every file of the object
 * store can be read: a repack meanwhile may hide an object from one run, never from both.
 * @param filter what need not be there, as an option of git rev-list's
 * @throws RefreshError when it cannot be told: out of time or memory, cut off, unreadable.
 */
export async function checkConnectivity(mirror: string, run: Run, filter: string[]): Promise<Verdict> {
  const first = await faultIn(run, filter);
  if (!first) return { sound: true };
  const second = await faultIn(run, filter);
  if (!second) return { sound: true };
  await requireReadable(join(mirror, "objects"));
  const object = first.objects.find((name) => second.objects.includes(name));
  if (object) return { sound: false, object, reason: second.reason };
  throw new RefreshError("git", `two checks named different objects: ${first.reason}; ${second.reason}`);
}

/** @returns what git says is missing or broken; null: nothing. */
async function faultIn(run: Run, filter: string[]): Promise<{ objects: string[]; reason: string } | null> {
  // Not rev-list --all: it leaves out a ref whose object is missing.
  const { stdout: tips } = await run(["for-each-ref", "--format=%(objectname)"], { background: false });
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

/** An index that may not be read, or a disk that does not answer, makes every object of it missing. */
async function requireReadable(objects: string): Promise<void> {
  for (const entry of await readdir(objects, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    try {
      await access(path, entry.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue; // repacked meanwhile
      throw new RefreshError("permission", `${path} cannot be read`, { cause: error });
    }
  }
}
