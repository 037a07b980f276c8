import { createHash } from "node:crypto";
import { forEachInSlices } from "../base/slices.js";
import { repositoryIdOf } from "../base/wikis.js";
import { distanceOf, isFartherThan, mix } from "./mix.js";

/** A member of the cluster, as far as placement is concerned. */
export interface Member {
  name: string;
  /** The node's share compared with other nodes; 0: it owns nothing. */
  weight: number;
}

/** How many nodes own each repository. */
export type Replicas = number | "all";

/** Which node is the first owner of a repository, by the repository's id. A node without a share owns nothing all the same. */
export type Pins = Readonly<Record<string, string>>;

/** Says which nodes own what. It follows from the members alone, so that all nodes say the same. */
export interface Placement {
  /** Returns the names of the owners, the first owner first; empty: no member has a weight. */
  ownersOf(repositoryId: number): string[];
  /** Returns the names of all nodes that own something. */
  nodes(): string[];
  /** Returns the node that does what is done once in the cluster; null: no member has a weight. @param key such as "log" */
  nodeFor(key: string): string | null;
}

interface Candidate {
  name: string;
  weight: number;
  /** Both are 32 bits of the name's SHA-256. */
  seed: number;
  salt: number;
}

/**
 * Rendezvous hashing with weights: a repository belongs to the nodes that are nearest to it, by a distance that follows from
 * the two alone. A node that joins or leaves therefore changes nothing between the others.
 * https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
 * @throws RangeError for a weight below 0
 */
export function createPlacement(members: readonly Member[], replicas: Replicas, pins: Pins = {}): Placement {
  const candidates = members.filter(hasShare).map(toCandidate).sort(byName);
  const count = replicas === "all" ? candidates.length : Math.min(replicas, candidates.length);
  return {
    ownersOf(repositoryId) {
      // A wiki lies with its repository, whose changes it follows.
      const id = repositoryIdOf(repositoryId);
      const owners = nearest(candidates, count, { low: id >>> 0, high: Math.floor(id / 2 ** 32) >>> 0 });
      const pinned = pins[id];
      if (pinned === undefined || !candidates.some(({ name }) => name === pinned)) return owners;
      return [pinned, ...owners.filter((name) => name !== pinned)].slice(0, count);
    },
    nodes: () => candidates.map(({ name }) => name),
    nodeFor(key) {
      const [low, high] = digest(`key:${key}`);
      return nearest(candidates, Math.min(1, candidates.length), { low, high })[0] ?? null;
    },
  };
}

/** What changes for one repository between two views of the cluster. */
export interface Move {
  repositoryId: number;
  before: string[];
  after: string[];
}

/** Calls `act` with each repository whose owners differ, in slices of the event loop. The order of owners counts. */
export const forEachMove = (
  views: { before: Placement; after: Placement },
  repositoryIds: Iterable<number>,
  act: (move: Move) => void,
): Promise<void> =>
  forEachInSlices(repositoryIds, (repositoryId) => {
    const [before, after] = [views.before.ownersOf(repositoryId), views.after.ownersOf(repositoryId)];
    const isSame = before.length === after.length && before.every((name, n) => name === after[n]);
    if (!isSame) act({ repositoryId, before, after });
  });

function hasShare({ name, weight }: Member): boolean {
  if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
    throw new RangeError(`the weight of ${name} must be a number from 0`);
  return weight > 0;
}

function toCandidate({ name, weight }: Member): Candidate {
  const [seed, salt] = digest(`node:${name}`);
  return { name, weight, seed, salt };
}

/** Between equal distances the name decides, in the order of code units, which is the same in every locale. */
const byName = (a: Candidate, b: Candidate) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function digest(text: string): [number, number] {
  const bytes = createHash("sha256").update(text).digest();
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}

interface Key {
  low: number;
  high: number;
}

/** Returns the names of the `count` nearest, nearest first. */
function nearest(candidates: readonly Candidate[], count: number, key: Key): string[] {
  const found: { name: string; distance: number }[] = [];
  let farthest = Number.POSITIVE_INFINITY;
  for (const { name, weight, seed, salt } of candidates) {
    const hash = mix(key.low, key.high, seed, salt);
    if (isFartherThan(farthest, hash, weight)) continue;
    const distance = distanceOf(hash, weight);
    let at = found.length;
    while (at > 0 && found[at - 1]!.distance > distance) at--;
    found.splice(at, 0, { name, distance });
    if (found.length > count) found.pop();
    if (found.length === count) farthest = found.at(-1)?.distance ?? Number.NEGATIVE_INFINITY;
  }
  return found.map(({ name }) => name);
}
