import { selectInSlices } from "../base/slices.js";
import type { Ask } from "./asking.js";
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
  /** Whether this node has the repository's mirror in step. */
  isInStep(id: number): boolean;
  /** Whether only this node has something of the repository, such as kept tips, so that the mirror stays. */
  isNeeded(id: number): boolean;
  /** Stops keeping the repository in step: its owners have it. */
  setAside(id: number): void;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
}

/** Repositories that this node keeps in step until their new owners have them. */
export interface Moves {
  /** Whether this node keeps the repository although others own it. */
  isKept(id: number): boolean;
  /** Returns the nodes that have said that they keep the repository for this one. */
  keepersOf(id: number): string[];
  /** Asks the owners of what is kept here, and sets aside what all of them have. Never throws. */
  round(): Promise<void>;
  /** Looks for what is to move, at the next round. */
  look(): void;
  /** Answers a node that keeps repositories of this one's: which of them are in step here. */
  answer(body: unknown, from: string): number[];
  /** How many repositories are kept for other nodes; null: the owners have changed, and it is not known yet. */
  count(): number | null;
}

/** The question of a node that keeps repositories. */
export const IN_STEP = "in-step";

/** A node that keeps a repository asks again within a few seconds. */
const KEEPER_MS = 60_000;
const ASKED_TOGETHER = 1_000;

export function createMoves(ports: Ports): Moves {
  const { self, members, ask } = ports;
  /** By repository: which node keeps it, and until when that is believed by the monotonic clock. */
  const keepers = new Map<number, Map<string, number>>();
  let kept: number[] = [];
  /** The number of the view of owners that `kept` follows from, and of the newest one. */
  let [keptOf, newest] = [0, 1];
  let isRunning = false;

  const isKept = (id: number) => !members.placement().ownersOf(id).includes(self) && ports.isManaged(id);

  /** @returns those of the repositories that the node has in step; none when it does not answer */
  async function askOwner(name: string, ids: readonly number[]): Promise<Set<number>> {
    const node = members.get(name);
    const found = new Set<number>();
    if (!node?.url || !node.isAlive) return found;
    for (let from = 0; from < ids.length; from += ASKED_TOGETHER) {
      const some = ids.slice(from, from + ASKED_TOGETHER);
      const answer = await ask<number[]>({ name, url: node.url }, IN_STEP, some).catch(() => []);
      for (const id of answer) found.add(id);
    }
    return found;
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
    const inStep = new Map<string, Set<number>>();
    for (const [owner, ids] of ofOwner) inStep.set(owner, await askOwner(owner, ids));
    for (const id of kept) {
      const owners = members.placement().ownersOf(id);
      const haveAll = owners.length > 0 && owners.every((owner) => inStep.get(owner)?.has(id));
      if (haveAll && isKept(id) && !ports.isNeeded(id)) ports.setAside(id);
    }
    kept = kept.filter(isKept);
  }

  /** What nobody keeps any more is forgotten. */
  function forgetKeepers(): void {
    for (const [id, nodes] of keepers) {
      for (const [name, until] of nodes) if (until < ports.clock()) nodes.delete(name);
      if (nodes.size === 0) keepers.delete(id);
    }
  }

  return {
    isKept,
    keepersOf(id) {
      const nodes = keepers.get(id);
      return nodes ? [...nodes].flatMap(([name, until]) => (until >= ports.clock() ? name : [])) : [];
    },
    async round() {
      if (isRunning) return;
      isRunning = true;
      try {
        forgetKeepers();
        if (keptOf !== newest) {
          const view = newest;
          kept = await selectInSlices(ports.ids(), isKept);
          keptOf = view;
        }
        if (kept.length > 0) await setAsideWhatOthersHave();
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
      const ids = Array.isArray(body) ? body.filter((id) => Number.isSafeInteger(id)) : [];
      for (const id of ids) {
        const nodes = keepers.get(id) ?? new Map<string, number>();
        keepers.set(id, nodes.set(from, ports.clock() + KEEPER_MS));
      }
      return ids.filter(ports.isInStep);
    },
    count: () => (keptOf === newest ? kept.length : null),
  };
}
