import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Shown, stateOf } from "./state.js";
import type { World } from "./world.js";

/** Returns the SHA-256 by which Git LFS knows a content. */
export const oidOf = (content: string): string => createHash("sha256").update(content).digest("hex");

/** Returns where an object of a repository is kept. */
export const objectPath = (dataDir: string, id: number, oid: string): string =>
  join(dataDir, "repos", String(id), "lfs/objects", oid.slice(0, 2), oid.slice(2, 4), oid);

/** Returns a kept object; null: it is not kept. */
export function keptObject(dataDir: string, id: number, content: string): string | null {
  const path = objectPath(dataDir, id, oidOf(content));
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** Waits until the API shows a state of a repository's objects, looking with every line of the log. */
export async function untilKept(
  world: World,
  fullName: string,
  fits: (lfs: Shown) => boolean,
): Promise<Shown> {
  for (;;) {
    const line = world.nextLine();
    const { lfs } = await stateOf(world, fullName);
    if (lfs && fits(lfs)) return lfs;
    await line;
  }
}
