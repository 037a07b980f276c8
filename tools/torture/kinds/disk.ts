import { execFile, execFileSync } from "node:child_process";
import { realpathSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Random } from "../../random.js";
import { mirrorOf } from "../check.js";
import type { Kind, Undo } from "../kind.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const exec = promisify(execFile);
const LASTS_MS = 3_000;
const BLOCK = 4_096;

export const DISK_KINDS: Kind[] = [
  { name: "full-disk", needs: ["root"], inflict: fill },
  { name: "read-only-mirror", needs: ["root"], inflict: forbidWrites },
  { name: "read-only-disk", needs: ["root"], inflict: startReadOnly },
];

/** Leaves a few blocks, so that what fails first differs. */
async function fill(world: World, random: Random): Promise<Undo> {
  const file = join(world.dataDir, "filler");
  const left = random.below(12);
  takeAll(world.dataDir, file, left);
  world.note(`the disk has ${left} free blocks`);
  await changes(world, random, 3);
  await sleep(random.below(LASTS_MS));
  takeAll(world.dataDir, file, 0);
  await changes(world, random, 1);
  await sleep(random.below(LASTS_MS));
  return async () => rmSync(file, { force: true });
}

// fallocate --length <bytes> <file>
function takeAll(dir: string, file: string, leftBlocks: number): void {
  const { bavail, bsize } = statfsSync(dir);
  let bytes = bavail * bsize - leftBlocks * BLOCK;
  writeFileSync(file, "", { flag: "a" });
  const length = statSync(file).size;
  for (; bytes >= BLOCK; bytes = Math.floor(bytes / 2)) {
    try {
      execFileSync("fallocate", ["--offset", String(length), "--length", String(bytes), file], {
        stdio: "ignore",
      });
      return;
    } catch {
      // The file system needs some blocks for its own books.
    }
  }
}

// chattr -R +i <directory>
async function forbidWrites(world: World, random: Random): Promise<Undo> {
  const mirror = realpathSync(mirrorOf(world, random.pick(world.repos)!));
  const dirs = ["objects", "refs"].map((name) => join(mirror, name));
  await exec("chattr", ["-R", "+i", ...dirs]).catch(() => {});
  await changes(world, random, 4);
  await sleep(random.below(LASTS_MS));
  return async () => {
    await exec("chattr", ["-R", "-i", ...dirs]);
  };
}

/** A start on a read-only disk is refused, or answers nothing with 202; the next start is on a disk that can be written. */
async function startReadOnly(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await world.kill9();
  await world.endAll();
  await world.volume.remount("ro");
  try {
    await world
      .start()
      .catch((error: Error) => world.note(`the start on the read-only disk: ${error.message}`));
    await changes(world, random, 2);
    await sleep(random.below(LASTS_MS));
    await world.kill9();
    await world.endAll();
  } finally {
    await world.volume.remount("rw");
  }
  return async () => {
    await world.start();
  };
}
