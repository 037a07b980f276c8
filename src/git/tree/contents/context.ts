import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, GitResult, RunGit } from "../../run/exec.js";

/** An open content store, and how git runs in it. */
export interface StoreContext {
  git: RunGit;
  dir: string;
  /** The arguments of each call of git: the store's own objects, with the mirror's as an alternate. */
  call: Pick<GitCall, "gitDir" | "alternate" | "timeoutMs" | "signal">;
}

/** @throws GitFailure */
export const runInStore = (
  { git, call }: StoreContext,
  args: string[],
  more: Partial<GitCall> = {},
): Promise<GitResult> => git({ ...call, args, ...more });

/** The directory with what each numbered tree holds. */
export const heldDir = (dir: string): string => join(dir, "refs", "content");

/** The directory with the commits of submodules that the store has whole. */
export const modulesDir = (dir: string): string => join(dir, "refs", "modules");

export const packDir = (dir: string): string => join(dir, "objects", "pack");

/** Makes the repository, unless the repository exists. */
export function prepareStore(dir: string): void {
  for (const part of [heldDir(dir), modulesDir(dir), packDir(dir)])
    mkdirSync(part, { recursive: true, mode: 0o750 });
  put(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  put(join(dir, "HEAD"), "ref: refs/heads/none\n");
}

/** A power cut may leave an empty file. */
function put(file: string, text: string): void {
  if (!statSync(file, { throwIfNoEntry: false })?.size) writeFileSync(file, text);
}

/** @returns the names in a directory; none when the directory does not exist */
export const entriesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
