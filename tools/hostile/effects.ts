import { readdirSync } from "node:fs";
import { join } from "node:path";
import { differences, mirrorTips } from "../demo/compare.js";
import { idsOfBaits } from "./baits.js";
import { VERIFIED } from "./request.js";
import type { World } from "./world.js";

/** All that an unverified request could change, each part by its name. */
export type State = Record<string, string>;

interface Page {
  next: string | null;
}

interface Repositories extends Page {
  repositories: { id: number; owner: string; name: string }[];
}

interface Installations {
  installations: { id: number; state: string; heldRemoval: unknown }[];
}

interface Deliveries extends Page {
  deliveries: { id: string }[];
}

export async function stateOf(world: World): Promise<State> {
  const { dataDir } = world;
  const state: State = {
    "directories of mirrors": listOf(join(dataDir, "repos")),
    "names of mirrors": listOf(join(dataDir, "mirrors")),
    installation: JSON.stringify(await installationOf(world)),
  };
  for (const repo of world.traps) {
    const { state: shown, pausedAt, holds, kept } = await world.repository(repo);
    state[`state of ${repo.name}`] = JSON.stringify({ shown, pausedAt, holds, kept });
    state[`refs of ${repo.name}`] = JSON.stringify([...(await mirrorTips(world.mirrorOf(repo)))]);
  }
  return state;
}

/** Lists what differs from the state before, and what only an unverified request can have made. */
export async function effectsOn(world: World, before: State): Promise<string[]> {
  const after = await stateOf(world);
  const changed = Object.keys({ ...before, ...after }).filter((part) => before[part] !== after[part]);
  return [
    ...changed.map((part) => `${part}: ${before[part]} became ${after[part]}`),
    ...(await unknownRepositories(world)),
    ...(await unverifiedDeliveries(world)),
    ...(await differences(world.standin, world.live, world.dataDir)),
  ];
}

/** Signed deliveries may make others known, which GitHub then denies. */
async function installationOf(world: World): Promise<object | undefined> {
  const { installations } = await world.api<Installations>("/api/v1/installations");
  const found = installations.find(({ id }) => id === world.live.installation?.id);
  return found && { state: found.state, heldRemoval: found.heldRemoval };
}

/** Names of owners, and of their repositories below. */
const listOf = (dir: string): string =>
  readdirSync(dir, { withFileTypes: true })
    .flatMap((entry) => [
      entry.name,
      ...(entry.isDirectory() && dir.endsWith("mirrors") ? readdirSync(join(dir, entry.name)) : []),
    ])
    .sort()
    .join(" ");

async function unknownRepositories(world: World): Promise<string[]> {
  const faults: string[] = [];
  for await (const page of pages<Repositories>(world, "/api/v1/repos"))
    for (const { id, owner, name } of page.repositories)
      if (idsOfBaits.has(id)) faults.push(`the repository ${id} (${owner}/${name}) became known`);
  return faults;
}

/** The log of deliveries has genuine and signed ones, and no other. */
async function unverifiedDeliveries(world: World): Promise<string[]> {
  const faults: string[] = [];
  for await (const page of pages<Deliveries>(world, "/api/v1/deliveries"))
    for (const { id } of page.deliveries)
      if (!id.startsWith(`${VERIFIED}-`) && !world.delivered.has(id))
        faults.push(`the delivery ${id} was accepted`);
  return faults;
}

async function* pages<T extends Page>(world: World, path: string): AsyncGenerator<T> {
  for (let cursor: string | null = ""; cursor !== null; ) {
    const at: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: T = await world.api(`${path}?limit=1000${at}`);
    yield page;
    cursor = page.next;
  }
}
