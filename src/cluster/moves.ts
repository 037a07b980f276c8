import { mapInSlices, selectInSlices } from "../base/slices.js";
import type { Ask } from "./asking.js";
import type { Keepers } from "./keepers.js";
import type { Members } from "./members.js";

interface Ports {
  /** This node's name. */
  self: string;
  members: Pick<Members, "placement" | "get">;
  ask: Ask;
  /** Returns the ids of all repositories that this node has rows of. */
  ids(): number[];
  /** Whether this node keeps the repository in step. */
  isManaged(id: number): boolean;
  /** Whether this node needs the repository for itself, so that it keeps it for good. */
  isNeeded(id: number): boolean;
  /** Whether this node has the repository's mirror in step. */
  isInStep(id: number): boolean;
  /** Returns what a new owner takes over besides the mirror, as a version; null: there is nothing. */
  versionOf(id: number): string | null;
  /** Whether this version of another node's was taken over. If not, that begins. */
  hasTaken(id: number, from: string, version: string): boolean;
  /** Stops keeping the repository in step: its owners have it. */
  setAside(id: number): void;
  /** Which nodes keep repositories for this one. */
  keepers: Keepers;
}

/** Repositories that this node keeps in step until their new owners have them. */
export interface Moves {
  /** Whether this node keeps the repository although others own it. */
  isKept(id: number): boolean;
  /** Asks the owners of what is kept here, and sets aside what all of them have. Never throws. */
  round(): Promise<void>;
  /** Looks for what is to move, at the next round. */
  look(): void;
  /**
   * Answers a node that keeps repositories of this one's: which of them are in step here, with all that the node has
   * besides the mirror.
   */
  answer(body: unknown, from: string): number[];
  /** How many repositories are kept for other nodes; null: the owners have changed, and it is not known yet. */
  count(): number | null;
}

/** The question of a node that keeps repositories. */
export const IN_STEP = "in-step";

/** A repository that an owner is asked about; the version of what it has to take over comes with it, if there is any. */
type Asked = number | [id: number, version: string];

const ASKED_TOGETHER = 1_000;

export function createMoves(ports: Ports): Moves {
  const { self, members, ask, keepers } = ports;
  let kept: number[] = [];
  /** The number of the view of owners that `kept` follows from, and of the newest one. */
  let [keptOf, newest] = [0, 1];
  /** How many of `kept` are to move away. */
  let leaving = 0;
  let isRunning = false;

  const isKept = (id: number) => !members.placement().ownersOf(id).includes(self) && ports.isManaged(id);

  /** @returns the versions of those that the node has in step, by id; none when it does not answer */
  async function askOwner(name: string, ids: readonly number[]): Promise<Map<number, string | null>> {
    const node = members.get(name);
    const found = new Map<number, string | null>();
    if (!node?.url || !node.isAlive) return found;
    for (let from = 0; from < ids.length; from += ASKED_TOGETHER) {
      const some = ids.slice(from, from + ASKED_TOGETHER);
      const versions = new Map(await mapInSlices(some, (id) => [id, ports.versionOf(id)] as const));
      const asked = [...versions].map(([id, version]): Asked => (version === null ? id : [id, version]));
      const answer = await ask<number[]>({ name, url: node.url }, IN_STEP, asked).catch(() => []);
      for (const id of answer) if (versions.has(id)) found.set(id, versions.get(id)!);
    }
    return found;
  }

  async function countLeaving(): Promise<void> {
    leaving = (await selectInSlices(kept, (id) => !ports.isNeeded(id))).length;
  }

  async function setAsideWhatOthersHave(): Promise<void> {
    const placement = members.placement();
    const ofOwner = new Map<string, number[]>();
    for (const id of kept)
      for (const owner of placement.ownersOf(id)) {
        const ids = ofOwner.get(owner) ?? [];
        ids.push(id);
        ofOwner.set(owner, ids);
      }
    const inStep = new Map<string, Map<number, string | null>>();
    for (const [owner, ids] of ofOwner) inStep.set(owner, await askOwner(owner, ids));
    for (const id of kept) {
      const owners = members.placement().ownersOf(id);
      // What was kept or held here while the owners answered is taken over first.
      const version = ports.versionOf(id);
      const haveAll = owners.length > 0 && owners.every((owner) => inStep.get(owner)?.get(id) === version);
      if (haveAll && isKept(id) && !ports.isNeeded(id)) ports.setAside(id);
    }
    kept = kept.filter(isKept);
  }

  return {
    isKept,
    async round() {
      if (isRunning) return;
      isRunning = true;
      try {
        keepers.sweep();
        if (keptOf !== newest) {
          const view = newest;
          kept = await selectInSlices(ports.ids(), isKept);
          await countLeaving();
          keptOf = view;
        }
        if (kept.length === 0) return;
        await setAsideWhatOthersHave();
        await countLeaving();
      } catch {
        // A database that cannot be read or written now can be at a later round.
        newest++;
      } finally {
        isRunning = false;
      }
    },
    look() {
      newest++;
    },
    answer(body, from) {
      const asked = Array.isArray(body) ? body.flatMap(readAsked) : [];
      for (const { id } of asked) keepers.note(id, from);
      return asked.flatMap(({ id, version }) => {
        const hasAll = ports.isInStep(id) && (version === null || ports.hasTaken(id, from, version));
        return hasAll ? id : [];
      });
    },
    count: () => (keptOf === newest ? leaving : null),
  };
}

function readAsked(asked: unknown): { id: number; version: string | null }[] {
  const [id, version] = Array.isArray(asked) ? asked : [asked, null];
  if (!Number.isSafeInteger(id) || (version !== null && typeof version !== "string")) return [];
  return [{ id, version }];
}
