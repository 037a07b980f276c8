import { chmodSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Repo } from "../../tools/standin/index.js";
import { looseFile, plainGit } from "./git.js";
import { force, worldWith } from "./history.js";
import { tempDir } from "./temp.js";
import type { World } from "./world.js";

/** Has Lockstep read the boot id from a file of the test's. @returns a function that stores another id */
export function ownBootId(world: World): (id: string) => void {
  const file = join(tempDir(), "boot_id");
  world.bootIdFile = file;
  const store = (id: string) => writeFileSync(file, `${id}\n`);
  store("first");
  return store;
}

function empty(path: string): void {
  chmodSync(path, 0o644);
  truncateSync(path, 0);
}

/** Lockstep with one repository that has packed refs, loose refs, and one kept tip. */
export async function worldWithKeptTip() {
  const { world, repo, standin } = await worldWith();
  const forced = await standin.forcePush(repo, "main", force);
  await world.pushed(forced);
  await world.inStep(repo);
  const push = await standin.commit(repo, "main", { files: { a: "1" } });
  await world.pushed(push);
  await world.inStep(repo);
  return { world, repo, standin, kept: forced.before, tip: push.after };
}

export type Damage = (mirror: string, tip: string) => void;

const objectAt = (mirror: string, name: string) => looseFile(mirror, plainGit(mirror, "rev-parse", name));

/** What a power cut leaves, and a refresh of a ref notices. */
export const DAMAGES: [string, Damage][] = [
  ["a loose ref is empty", (mirror) => empty(join(mirror, "refs/heads/main"))],
  ["packed-refs is cut", cutPackedRefs],
  ["the marker is empty", (mirror) => empty(join(mirror, "lockstep.json"))],
  ["HEAD is empty", (mirror) => empty(join(mirror, "HEAD"))],
  ["the configuration is empty", (mirror) => empty(join(mirror, "config"))],
  ["the newest commit is empty", (mirror, tip) => empty(looseFile(mirror, tip))],
];

/** What a power cut leaves, and only an inspection notices. */
export const HIDDEN_DAMAGES: [string, Damage][] = [
  // A file of that name that somebody has put among the refs looks the same to git, and is no damage.
  [
    "a kept tip has a name that git leaves out",
    (mirror) => changePackedRefs(mirror, /kept\/(\d+)-/, "kept/$1:"),
  ],
  ["a tree is empty", (mirror, tip) => empty(objectAt(mirror, `${tip}^{tree}`))],
  ["a blob is empty", (mirror, tip) => empty(objectAt(mirror, `${tip}:a`))],
  ["a blob has the content of another file", (mirror, tip) => swapContent(mirror, tip)],
  // git lists this name, and refuses to write it.
  [
    "a name in packed-refs is not in refs/",
    (mirror) => changePackedRefs(mirror, /refs\/lockstep\//, "ref\xf3/lockstep/"),
  ],
  ["packed-refs is not sorted", (mirror) => changePackedRefs(mirror, /refs\/heads\/main/, "refs/zeads/main")],
  [
    "packed-refs peels a ref to another object",
    (mirror) => changePackedRefs(mirror, /^\w+ refs\/heads\/main$/m, `$&\n^${"1".repeat(40)}`),
  ],
  // git reads this HEAD without an error.
  ["HEAD is cut", (mirror) => writeFileSync(join(mirror, "HEAD"), "ref: refs/h")],
];

function cutPackedRefs(mirror: string): void {
  plainGit(mirror, "pack-refs", "--all");
  const file = join(mirror, "packed-refs");
  truncateSync(file, readFileSync(file).length - 20);
}

function changePackedRefs(mirror: string, what: RegExp, by: string): void {
  plainGit(mirror, "pack-refs", "--all");
  const file = join(mirror, "packed-refs");
  const text = readFileSync(file, "latin1");
  const changed = text.replace(what, by);
  if (changed === text) throw new Error(`packed-refs has no ${what}`);
  chmodSync(file, 0o644);
  writeFileSync(file, changed, "latin1");
}

function swapContent(mirror: string, tip: string): void {
  const blob = objectAt(mirror, `${tip}:a`);
  chmodSync(blob, 0o644);
  writeFileSync(blob, readFileSync(looseFile(mirror, tip)));
}

/** Returns the objects of the kept tips. */
export const keptObjects = (world: World, repo: Repo): string[] => Object.values(world.kept(repo));
