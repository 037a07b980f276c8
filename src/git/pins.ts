import { RESERVED_REFS } from "../names.js";
import type { RunGit } from "./exec.js";
import { swapRefs } from "./refs.js";

/** A ref that keeps what a published tree is of, when the tree's own ref has gone on without it. */
export interface Pin {
  name: string;
  sha: string;
}

const PINS = `${RESERVED_REFS}published/`;
const TIMEOUT_MS = 60_000;

/** @param slug as in the name of the checkout's link; empty for the default branch */
const nameOf = (slug: string): string => `${PINS}tree${slug}`;

export function createPins(git: RunGit) {
  return {
    /** @param sha null: its own ref, or nobody, keeps it */
    async set(mirror: string, slug: string, sha: string | null): Promise<void> {
      const name = nameOf(slug);
      if (sha !== null) return swapRefs(git, mirror, [], [{ name, sha }]);
      // git update-ref --no-deref -d <name>
      await git({ args: ["update-ref", "--no-deref", "-d", name], gitDir: mirror, timeoutMs: TIMEOUT_MS });
    },
  };
}

export type Pins = ReturnType<typeof createPins>;

export async function readPins(git: RunGit, gitDir: string, signal?: AbortSignal): Promise<Pin[]> {
  // git for-each-ref --format='%(objectname) %(refname)' refs/lockstep/published/
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", PINS];
  const { stdout } = await git({ args, gitDir, timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) });
  return stdout
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([sha = "", name]) => (name ? [{ name, sha }] : []));
}
