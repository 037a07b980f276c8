import { realpathSync } from "node:fs";
import type { Random } from "../../random.js";
import { mirrorOf } from "../check.js";
import { type Damage, damage, filesIn, pretendRestart } from "../damage.js";
import type { Kind, Undo } from "../kind.js";
import type { World } from "../world.js";

interface Target {
  name: string;
  /** The paths in a mirror's directory. */
  files: RegExp;
  ways: Damage[];
}

/**
 * What lies in a mirror. No check of git's but fsck reads every file of a pack, so a flipped bit in a pack is beyond what
 * Lockstep promises.
 */
const TARGETS: Target[] = [
  { name: "object", files: /^objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/, ways: ["flip", "cut", "empty"] },
  { name: "ref", files: /^refs\/(?:heads|tags)\/.+/, ways: ["flip", "cut", "empty"] },
  { name: "packed-refs", files: /^packed-refs$/, ways: ["flip", "cut", "empty"] },
  { name: "pack", files: /^objects\/pack\/pack-.*\.pack$/, ways: ["cut", "empty"] },
  { name: "pack-index", files: /^objects\/pack\/pack-.*\.idx$/, ways: ["cut", "empty"] },
  { name: "marker", files: /^lockstep\.json$/, ways: ["flip", "cut", "empty"] },
  { name: "head", files: /^HEAD$/, ways: ["flip", "cut", "empty"] },
  { name: "config", files: /^config$/, ways: ["flip", "cut", "empty"] },
];

export const DAMAGE_KINDS: Kind[] = TARGETS.map((target) => ({
  name: `damaged-${target.name}`,
  mayLose: ["history"],
  inflict: (world, random) => spoil(world, random, target),
}));

/** Spoils one file of one mirror while Lockstep is down, as a power cut does. */
async function spoil(world: World, random: Random, { files, ways }: Target): Promise<Undo> {
  await world.kill9();
  const found = world.repos.flatMap((repo) => filesIn(realpathSync(mirrorOf(world, repo)), files));
  const file = random.pick(found);
  const way = random.pick(ways)!;
  if (file !== undefined) {
    damage(file, way, random);
    world.note(`${way} ${file}`);
  }
  pretendRestart(world.dataDir);
  return async () => {
    await world.start();
  };
}
