import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../../random.js";
import { mirrorOf } from "../check.js";
import type { Kind, Undo } from "../kind.js";
import { change } from "../traffic.js";
import type { World } from "../world.js";

/** What a killed git, or a killed Lockstep, may leave in a mirror. */
const IN_MIRROR = [
  "HEAD.lock",
  "config.lock",
  "packed-refs.lock",
  "packed-refs.new",
  "shallow.lock",
  "gc.pid",
  "gc.pid.lock",
  "refs/heads/main.lock",
  "refs/heads/next.lock",
  "objects/maintenance.lock",
  "objects/info/commit-graphs/commit-graph-chain.lock",
  "objects/pack/tmp_pack_Zk3x9A",
  "objects/pack/tmp_idx_Zk3x9A",
  "objects/pack/.tmp-77-pack-0123.pack",
  "objects/pack/multi-pack-index.lock",
  "objects/4b/tmp_obj_Zk3x9A",
];
/** What lies beside the mirror, or above all of them. */
const BESIDE = ["clone-0a1b2c3d/HEAD", "scratch.git/HEAD.lock"];
const ABOVE = ["trash/1234-0123456789abcdef/HEAD", "run/999999999"];

export const LEFTOVER_KINDS: Kind[] = [{ name: "leftovers", inflict: plant }];

/** Every repository has a push that waits, because leftovers are cleared at a mirror's first use. */
async function plant(world: World, random: Random): Promise<Undo> {
  await world.arrived();
  await world.kill9();
  for (const repo of world.repos) {
    const mirror = realpathSync(mirrorOf(world, repo));
    for (const name of IN_MIRROR) if (random.chance(0.7)) write(join(mirror, name));
    for (const name of BESIDE) if (random.chance(0.7)) write(join(dirname(mirror), name));
    for (const push of await change(world, random, repo)) await world.lose(push);
  }
  for (const name of ABOVE) write(join(world.dataDir, name));
  return async () => {
    await world.start();
  };
}

function write(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
}
