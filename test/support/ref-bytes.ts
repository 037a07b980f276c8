import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { PATH } from "./git.js";
import { post } from "./history.js";
import type { World } from "./world.js";

const git = (dir: string, args: string[], input = ""): string =>
  execFileSync("git", args, { input: Buffer.from(input, "latin1"), env: { PATH, GIT_DIR: dir } })
    .toString("latin1")
    .trim();

/** Changes refs of a repository without any delivery. @param refs objects by name, in Latin-1; null: deleted */
export function setRefs(dir: string, refs: Record<string, string | null>): void {
  const lines = Object.entries(refs).map(([ref, sha]) =>
    sha === null ? `delete ${ref}\n` : `update ${ref} ${sha}\n`,
  );
  git(dir, ["update-ref", "--stdin"], lines.join(""));
}

/** Returns the refs of a repository without Lockstep's own: objects by name, in Latin-1. */
export function bytesOfRefs(dir: string): Record<string, string> {
  const lines = git(dir, ["for-each-ref", "--format=%(refname) %(objectname)"]).split("\n");
  const pairs = lines.filter(Boolean).map((line) => line.split(" ") as [string, string]);
  return Object.fromEntries(pairs.filter(([ref]) => !ref.startsWith("refs/lockstep/")));
}

/** The bytes of a text in UTF-8, in Latin-1. */
export const utf8 = (text: string): string => Buffer.from(text).toString("latin1");

/** Compares every ref; for GitHub, refs that `setRefs` changed were not pushed, so that no pass would look. */
export async function byHand(world: World, repo: Repo): Promise<void> {
  expect((await post(world, repo, "refresh")).status).toBe(202);
}

/** Waits until the mirror has the repository's refs, byte for byte. @param except names that are left out */
export async function hasEveryByte(world: World, repo: Repo, except: string[] = []): Promise<void> {
  const wanted = Object.entries(bytesOfRefs(repo.dir)).filter(([ref]) => !except.includes(ref));
  for (;;) {
    const line = world.nextLine();
    const isThere = existsSync(world.mirror(repo));
    if (isThere && isDeepStrictEqual(Object.entries(bytesOfRefs(world.mirror(repo))), wanted)) return;
    await line;
  }
}

/** Makes a commit without a parent, and no ref of it. */
export function looseCommit(dir: string, message: string): string {
  const tree = git(dir, ["hash-object", "-t", "tree", "-w", "--stdin"]);
  const who = "T <t@example.com> 1700000000 +0000";
  const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n${message}\n`;
  return git(dir, ["hash-object", "-t", "commit", "-w", "--stdin"], text);
}

/** Makes a ref that git cannot lock, and so cannot write by itself. @param ref in Latin-1 */
export function packRef(dir: string, ref: string, sha: string): void {
  git(dir, ["pack-refs", "--all"]);
  const path = join(dir, "packed-refs");
  const lines = readFileSync(path, "latin1").trim().split("\n").slice(1);
  const byName = (a: string, b: string) => (a.slice(41) < b.slice(41) ? -1 : 1);
  writeFileSync(path, `${[...lines, `${sha} ${ref}`].sort(byName).join("\n")}\n`, "latin1");
}
