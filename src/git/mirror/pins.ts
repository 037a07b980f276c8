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

const named = (kind: "tree" | "next", slug: string): string => `${PINS}${kind}${fitName(slug, SLUG_BYTES)}`;

/** @param slug as in the name of the checkout's link; empty for the default branch */
export const pinOf = (slug: string): string => named("tree", slug);

/** The pin in a new mirror of a commit that is being published, beside the pin of the commit that is published. */
const nextPinOf = (slug: string): string => named("next", slug);

interface Tools {
  git: RunGit;
  log: Pick<Log, "warn">;
}

/**
 * The caller visits the mirror. Neither `set` nor `drop` fails: a publish is complete without its pin, and a
 * leftover pin only costs room.
 */
export function createPins({ git, log }: Tools) {
  /** The commits that are being published, by mirror and slug. */
  const held = new Map<string, Map<string, string>>();
  /** The known pins, by mirror and name, so that most publishes need no git for them. */
  const known = new Map<string, string | null>();

  async function put(mirror: string, slug: string, sha: string | null, act: () => Promise<unknown>) {
    const key = keyOf(mirror, slug);
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

  function remove(mirror: string, names: string[]): Promise<unknown> {
    // git update-ref --no-deref --stdin
    const args = ["update-ref", "--no-deref", "--stdin"];
    const input = names.map((name) => `delete ${name}\n`).join("");
    return git({ args, input, gitDir: mirror, timeoutMs: TIMEOUT_MS });
  }

  return {
    /**
     * Says that a commit is being published, so that a new mirror takes it over. Nothing is written: the publish ends with
     * the process, and the old mirror keeps the commit meanwhile, since a prune gives way to a publish.
     */
    hold(mirror: string, slug: string, sha: string): void {
      const slugs = held.get(mirror) ?? new Map<string, string>();
      held.set(mirror, slugs.set(slug, sha));
    },
    /** Says that the publish has ended. */
    release(mirror: string, slug: string): void {
      const slugs = held.get(mirror);
      slugs?.delete(slug);
      if (slugs?.size === 0) held.delete(mirror);
    },
    /** Returns the pins with which a new mirror keeps what is being published. */
    held: (mirror: string): Pin[] =>
      [...(held.get(mirror) ?? [])].map(([slug, sha]) => ({ name: nextPinOf(slug), sha })),
    set: (mirror: string, slug: string, sha: string) =>
      put(mirror, slug, sha, async () => {
        await swapRefs(git, mirror, [], [{ name: pinOf(slug), sha }]);
        await remove(mirror, [nextPinOf(slug)]);
      }),
    /** Removes the pins of commits that are kept by their own ref, or need not be kept. */
    drop: (mirror: string, slug: string) =>
      put(mirror, slug, null, () => remove(mirror, [pinOf(slug), nextPinOf(slug)])),
  };
}

/** A mirror that was rebuilt may have other pins. */
function keyOf(mirror: string, slug: string): string {
  return `${mirror} ${statSync(mirror, { throwIfNoEntry: false })?.ino} ${slug}`;
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
