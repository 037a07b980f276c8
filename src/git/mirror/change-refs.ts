import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hasEscapedByte } from "../../base/names.js";
import { forEachInSlices, mapInSlices } from "../../base/slices.js";
import { type Path, syncPath, syncPaths, watchDirectories } from "../../machine/durable.js";
import { syncFileSystem } from "../../machine/sync.js";
import type { Dialogue, RunGit } from "../run/exec.js";
import { writeInParts } from "../run/parts.js";
import { toBytes } from "../run/ref-names.js";

/** With more changes than this, one sync of the whole file system takes less time than one for each ref. */
const MAX_SINGLE = 50;
const TIMEOUT_MS = 120_000;
/** A slow disk syncs 50 refs a second. */
const TIMEOUT_FOR_EACH_MS = 20;
const ARGS = ["update-ref", "--no-deref", "--stdin", "-z"];

/**
 * Runs one ref transaction, and returns when it is on disk.
 * @param commands in the form of git-update-ref(1), --stdin -z
 * @param refs the names that the commands change
 */
export function changeRefs(git: RunGit, mirror: string, commands: string[], refs: string[]): Promise<void> {
  const change = refs.length > MAX_SINGLE ? changeMany : changeFew;
  return change(git, mirror, commands, refs);
}

const timeoutFor = (refs: string[]): number => TIMEOUT_MS + refs.length * TIMEOUT_FOR_EACH_MS;

/** git syncs each ref's file, and never a directory, which has the file's name. */
async function changeFew(git: RunGit, mirror: string, commands: string[], refs: string[]): Promise<void> {
  const directories = await directoriesOf(mirror, refs);
  const syncChanged = await watchDirectories(() => directories);
  const packed = join(mirror, "packed-refs");
  const before = await inodeOf(packed);
  // git update-ref --no-deref --stdin -z
  const input = toBytes(`start\0${commands.join("")}prepare\0commit\0`);
  await git({ args: ARGS, gitDir: mirror, input, timeoutMs: timeoutFor(refs) });
  await syncChanged();
  // A lock of HEAD comes and goes with each change of the default branch, and needs no sync.
  if ((await inodeOf(packed)) !== before) await syncPath(mirror);
}

/** A file that git has replaced has another inode. @returns null: the file does not exist */
const inodeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ ino }) => ino,
    () => null,
  );

/**
 * After `prepare` every new value is in a lock file. The file system is synced before git renames these files,
 * so that no name leads to an empty file, and once more when the names are the refs'.
 */
async function changeMany(git: RunGit, mirror: string, commands: string[], refs: string[]): Promise<void> {
  async function converse({ write, printed }: Dialogue): Promise<void> {
    write("start\0");
    await writeInParts(write, commands);
    write("prepare\0");
    await printed("prepare: ok\n");
    await syncAll(mirror, () => mapInSlices(refs, (ref) => pathIn(mirror, `${ref}.lock`)));
    write("commit\0");
  }
  const config = { "core.fsync": "-reference" };
  await git({ args: ARGS, gitDir: mirror, config, converse, timeoutMs: timeoutFor(refs) });
  await syncAll(mirror, async () => [mirror, ...(await directoriesOf(mirror, refs))]);
}

/** @param paths returns what is synced one by one where the program `sync` is missing */
async function syncAll(mirror: string, paths: () => Promise<Path[]>): Promise<void> {
  if (await syncFileSystem(mirror, { timeoutMs: TIMEOUT_MS })) return;
  await syncPaths([join(mirror, "packed-refs"), join(mirror, "packed-refs.new"), ...(await paths())]);
}

/** Returns the directories that have these refs as loose files, and those above them. */
async function directoriesOf(mirror: string, refs: string[]): Promise<Path[]> {
  const directories = new Set<string>();
  await forEachInSlices(refs, (ref) => {
    const parts = ref.split("/");
    for (let n = 1; n < parts.length; n++) directories.add(parts.slice(0, n).join("/"));
  });
  return mapInSlices(directories, (directory) => pathIn(mirror, directory));
}

/** The path of a ref's file, which has the bytes of the ref's name. */
const pathIn = (mirror: string, ref: string): Path =>
  hasEscapedByte(ref) ? Buffer.concat([Buffer.from(`${mirror}/`), toBytes(ref)]) : join(mirror, ref);
