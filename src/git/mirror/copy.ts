import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Extent, ZERO } from "../../base/model.js";
import { clearLeftovers } from "../disk/heal.js";
import { extentOf } from "../disk/layout.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { ALLOW_MISSING } from "./repack.js";

/** Each try is a git of its own, and a broken mirror may have 25,000 kept tips. */
const MAX_TRIES = 2_000;

interface Copy {
  git: RunGit;
  beside: string;
  old: string | null;
  /** The new mirror's extent. */
  extent: Extent;
  supply(blobs: string[]): Promise<void>;
  call: Pick<GitCall, "timeoutMs" | "signal">;
}

export const objectsOf = (old: string | null) => (old === null ? {} : { alternate: join(old, "objects") });

/**
 * @param have what the new mirror already has
 * @returns the tips that the new mirror now has, with everything that they need
 */
export async function copyObjects(copy: Copy, tips: string[], have: string[]): Promise<Set<string>> {
  const wanted = [...new Set(tips)].filter((sha) => sha !== ZERO);
  if (wanted.length === 0) return new Set();
  const without = [...new Set(have)].map((sha) => `^${sha}\n`).join("");
  const isCopied = async (shas: string[]) => {
    if (copy.extent.filter === null) return copyWhole(copy, shas, without);
    return isPartial(copy.old)
      ? copyPresent(copy, shas)
      : pack(copy, [ALLOW_MISSING], linesOf(shas) + without);
  };
  return new Set(await copiedOf(wanted, isCopied, { tries: MAX_TRIES }));
}

/** Finds by halves what cannot be copied, until no try is left. What was not tried alone counts as not copied. */
async function copiedOf(
  shas: string[],
  isCopied: (shas: string[]) => Promise<boolean>,
  budget: { tries: number },
): Promise<string[]> {
  if (budget.tries === 0) return [];
  budget.tries -= 1;
  if (await isCopied(shas)) return shas;
  if (shas.length === 1) return [];
  const half = Math.ceil(shas.length / 2);
  const first = await copiedOf(shas.slice(0, half), isCopied, budget);
  return first.concat(await copiedOf(shas.slice(half), isCopied, budget));
}

const packsOf = (mirror: string): string => join(mirror, "objects", "pack");

const isPartial = (mirror: string | null): boolean => mirror !== null && extentOf(mirror).filter !== null;

const linesOf = (shas: string[]): string => shas.map((sha) => `${sha}\n`).join("");

async function copyWhole(copy: Copy, shas: string[], without: string): Promise<boolean> {
  const input = linesOf(shas) + without;
  if (await pack(copy, [], input)) return true;
  return isPartial(copy.old) && (await isSupplied(copy, input)) && pack(copy, [], input);
}

/**
 * Fetches from GitHub the contents that a partial mirror never had. @returns whether GitHub still has all of
 * them
 */
async function isSupplied({ git, beside, old, supply, call }: Copy, input: string): Promise<boolean> {
  // git rev-list --objects --no-object-names --missing=print --stdin prints "?<object>" for a missing object
  const args = ["rev-list", "--objects", "--no-object-names", "--missing=print", "--stdin"];
  try {
    const { stdout } = await git({ ...call, ...objectsOf(old), args, gitDir: beside, input });
    await supply([...stdout.matchAll(/^\?(\w+)$/gm)].map(([, object]) => object!));
    return true;
  } catch {
    call.signal?.throwIfAborted();
    return false;
  }
}

/**
 * Copies what the old, partial mirror has of the commits. The contents below GitHub's refs that the new
 * mirror has are unknown, so the walk covers everything, and what the new mirror's packs have is left out.
 */
async function copyPresent(copy: Copy, shas: string[]): Promise<boolean> {
  const packs = packsOf(copy.beside);
  const marks = readdirSync(packs)
    .filter((name) => name.endsWith(".pack"))
    .map((name) => join(packs, name.replace(/pack$/, "keep")));
  for (const mark of marks) writeFileSync(mark, "");
  try {
    return await pack(copy, [ALLOW_MISSING, "--honor-pack-keep"], linesOf(shas));
  } finally {
    for (const mark of marks) rmSync(mark, { force: true });
  }
}

async function pack({ git, beside, old, call }: Copy, more: string[], input: string): Promise<boolean> {
  // GIT_ALTERNATE_OBJECT_DIRECTORIES=<old>/objects git pack-objects --revs <new>/objects/pack/pack
  const options = ["--revs", "--non-empty", "--delta-base-offset", "-q", ...more];
  try {
    await git({
      ...call,
      args: ["pack-objects", ...options, join(packsOf(beside), "pack")],
      gitDir: beside,
      ...objectsOf(old),
      // The old mirror's indexes may be what is broken, so git does not use them.
      config: { "core.commitGraph": "false", "core.multiPackIndex": "false" },
      input,
    });
    return true;
  } catch {
    // git leaves what it had written when it met the broken object.
    await clearLeftovers(packsOf(beside));
    call.signal?.throwIfAborted();
    return false;
  }
}
