import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Random } from "../../random.js";
import { refFaults } from "../check.js";
import { type DAMAGES, damage } from "../damage.js";
import type { Kind, Loss, Undo } from "../kind.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const exec = promisify(execFile);
const ALL_LOSSES: Loss[] = ["deliveries", "history"];
const DATABASE = /^lockstep\.db/;
const MIRRORS = /^(?:repos|mirrors|checkouts)$/;
const IN_STEP_MS = 60_000;

export const RESTORE_KINDS: Kind[] = [
  { name: "restored-all", mayLose: ALL_LOSSES, inflict: (world, random) => restore(world, random, /./) },
  {
    name: "restored-database",
    mayLose: ALL_LOSSES,
    inflict: (world, random) => restore(world, random, DATABASE),
  },
  {
    name: "restored-mirrors",
    mayLose: ALL_LOSSES,
    inflict: (world, random) => restore(world, random, MIRRORS),
  },
  { name: "lost-database", mayLose: ALL_LOSSES, inflict: loseDatabase },
  { name: "lost-mirrors", mayLose: ALL_LOSSES, inflict: loseMirrors },
  { name: "damaged-database", mayLose: ALL_LOSSES, inflict: damageDatabase },
];

/** Copies everything, goes on, and brings a part of the copy back. */
async function restore(world: World, random: Random, part: RegExp): Promise<Undo> {
  const copy = join(world.dataDir, "..", "older");
  await world.stop();
  await mkdir(copy, { recursive: true });
  await exec("cp", ["-a", `${world.dataDir}/.`, copy]);
  await world.start();
  await changes(world, random, 3);
  await world.until("in step", async () => (await refFaults(world)).length === 0, IN_STEP_MS);
  await world.stop();
  remove(world, part);
  for (const name of readdirSync(copy).filter((name) => part.test(name) && name !== "lost+found"))
    await exec("cp", ["-a", join(copy, name), world.dataDir]);
  await exec("rm", ["-rf", copy]);
  // A later power cut would otherwise lose what was copied, which is no fault of Lockstep's.
  await exec("sync", ["--file-system", world.dataDir]);
  return async () => {
    await world.start();
  };
}

function remove({ dataDir }: World, part: RegExp): void {
  for (const name of readdirSync(dataDir))
    if (part.test(name) && name !== "lost+found")
      rmSync(join(dataDir, name), { recursive: true, force: true });
}

async function loseDatabase(world: World): Promise<Undo> {
  await world.kill9();
  await world.endAll();
  remove(world, DATABASE);
  return async () => {
    await world.start();
  };
}

async function loseMirrors(world: World): Promise<Undo> {
  await world.kill9();
  await world.endAll();
  remove(world, MIRRORS);
  return async () => {
    await world.start();
  };
}

/**
 * SQLite has no checksums, so a flipped bit may stay unseen: cut and emptied files are what Lockstep must survive, or
 * refuse so that an operator removes the file, as the docs say.
 */
async function damageDatabase(world: World, random: Random): Promise<Undo> {
  await world.kill9();
  await world.endAll();
  const how = random.pick(["cut", "empty"] satisfies (keyof typeof DAMAGES)[])!;
  damage(join(world.dataDir, "lockstep.db"), how, random);
  return async () => {
    try {
      await world.start();
    } catch (error) {
      world.note(`the start with a database that was ${how}: ${(error as Error).message}`);
      remove(world, DATABASE);
      await world.start();
    }
  };
}
