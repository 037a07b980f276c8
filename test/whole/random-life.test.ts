import { randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../../tools/random.js";
import { faultsOf } from "../support/life/faults.js";
import { holdingsOf } from "../support/life/holdings.js";
import { ownerActs } from "../support/life/owners.js";
import { Population } from "../support/life/population.js";
import { Post } from "../support/life/post.js";
import { sweepUntilQuiet } from "../support/life/quiet.js";
import { refActs } from "../support/life/refs.js";
import { repositoryActs } from "../support/life/repositories.js";
import { World } from "../support/world.js";

const CHANGES = Number(process.env.LIFE_CHANGES ?? 500);
const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
const ACTS = [...refActs, ...repositoryActs, ...ownerActs];

const SWEEP_EVERY = 40;
const RESTART_EVERY = 150;
/** This many changes happen while Lockstep is down. */
const DOWN_FOR = 5;

test(`${CHANGES} changes, deliveries lost and late, restarts: everything ends as at GitHub (TEST_SEED=${SEED})`, async () => {
  const world = await World.create({ SHUTDOWN_TIMEOUT: "0s" });
  const population = new Population(world.standin, new Random(SEED));
  await population.settle(8);
  await world.start();
  const post = new Post(world, new Random(SEED + 1));
  const kept = await liveThrough(world, population, post);

  await sweepUntilQuiet(world);
  expect(await faultsOf(world, population, kept)).toEqual([]);
  const before = await holdingsOf(world);

  await post.deliverRest();
  await sweepUntilQuiet(world);
  expect(await faultsOf(world, population, kept)).toEqual([]);
  expect(await holdingsOf(world)).toEqual(before);
  expect([...post.statuses].filter((status) => ![0, 202, 204, 503].includes(status))).toEqual([]);
  expect(world.log.filter(({ level }) => level === "error")).toEqual([]);
}, 1_800_000);

/** @returns the repositories that had a mirror in the meantime */
async function liveThrough(world: World, population: Population, post: Post): Promise<Set<number>> {
  const chance = new Random(SEED + 2);
  const kept = new Set<number>();
  const change = async (): Promise<void> => post.send(await population.change(ACTS));
  for (let n = 0; n < CHANGES; n += 1) {
    await change();
    if (chance.chance(1 / SWEEP_EVERY)) world.sweep();
    if (!chance.chance(1 / RESTART_EVERY)) continue;
    const stopped = world.stop();
    for (let down = 0; down < DOWN_FOR; down += 1, n += 1) await change();
    await stopped;
    for (const id of mirrorsOf(world)) kept.add(id);
    await world.start();
  }
  await post.arrived();
  return kept;
}

function mirrorsOf({ dataDir }: World): number[] {
  const repos = join(dataDir, "repos");
  // The first clone creates the directory, and a restart may come earlier.
  if (!existsSync(repos)) return [];
  return readdirSync(repos)
    .filter((id) => existsSync(join(repos, id, "mirror.git")))
    .map(Number);
}
