import { statSync } from "node:fs";
import { asRefreshError } from "../../base/errors.js";
import type { Log } from "../../base/log.js";
import { RESERVED_REFS } from "../../base/names.js";
import { fitName, NAME_BYTES } from "../disk/file-name.js";
import type { RunGit } from "../run/exec.js";
import { swapRefs } from "./refs.js";

/** A pin is a ref that keeps a published commit when the commit's own ref has moved on. */
export interface Pin {
  name: string;
  sha: string;
}

const PINS = `${RESERVED_REFS}published/`;
const TIMEOUT_MS = 60_000;

/** git writes a ref to `<name>.lock` first. */
const SLUG_BYTES = NAME_BYTES - "tree.lock".length;

/** @param slug as in the name of the checkout's link; empty for the default branch */
export const pinOf = (slug: string): string => `${PINS}tree${fitName(slug, SLUG_BYTES)}`;

interface Tools {
  git: RunGit;
  log: Pick<Log, "warn">;
}

/**
 * Neither `set` nor `drop` fails: a publish is complete without its pin, and a leftover pin only costs room.
 */
export function createPins({ git, log }: Tools) {
  /** The known pins, by mirror and name, so that most publishes need no git for them. */
  const known = new Map<string, string | null>();

  async function put(mirror: string, slug: string, sha: string | null, act: () => Promise<unknown>) {
    // A mirror that was rebuilt may have other pins.
    const made = statSync(mirror, { throwIfNoEntry: false })?.ino;
    const key = `${mirror} ${made} ${slug}`;
    if (known.get(key) === sha) return;
    try {
      await act();
      known.set(key, sha);
    } catch (error) {
      known.delete(key);
      const reason = asRefreshError(error).message;
      if (sha === null)
        log.warn({ event: "pin_not_removed", mirror, reason }, "an obsolete pin could not be removed");
      else
        log.warn(
          { event: "pin_not_set", mirror, commit: sha, reason },
          "the published commit could not be pinned in the mirror",
        );
    }
  }

  return {
    set: (mirror: string, slug: string, sha: string) =>
      put(mirror, slug, sha, () => swapRefs(git, mirror, [], [{ name: pinOf(slug), sha }])),
    /** Removes a pin whose commit is kept by its own ref, or need not be kept. */
    drop(mirror: string, slug: string) {
      // git update-ref --no-deref -d <name>
      const args = ["update-ref", "--no-deref", "-d", pinOf(slug)];
      return put(mirror, slug, null, () => git({ args, gitDir: mirror, timeoutMs: TIMEOUT_MS }));
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
