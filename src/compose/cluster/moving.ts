import { availableParallelism } from "node:os";
import { asRefreshError } from "../../base/errors.js";
import type { Log } from "../../base/log.js";
import { fullNameOrId } from "../../base/names.js";
import type { Releasers } from "../../base/releasers.js";
import type { Answers } from "../../cluster/asking.js";
import { createMoves, type Moves } from "../../cluster/moves.js";
import { createMovingAnswers, versionOf } from "../../cluster/moving-state.js";
import type { Config } from "../../config/load.js";
import { extentOf, isCondemned, linkTarget } from "../../git/disk/layout.js";
import type { Handler } from "../../http/handler.js";
import { isManaged } from "../../registry/repositories.js";
import { createMirrorsForNodes } from "../../serve/for-nodes.js";
import { createSlots } from "../../serve/slots.js";
import type { Domain } from "../domain.js";
import type { Ground } from "../ground.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  log: Log;
  node: ClusterNode;
  domain: Domain;
  ground: Pick<Ground, "streamGit" | "store">;
  releasers: Releasers;
}

/** A mirror that moves is set aside within this time after its new owners have it, in milliseconds. */
const ROUND_MS = 5_000;
/** Nodes whose git waits while others are served. */
const MAX_WAITING = 1_000;

/** Repositories on their way between nodes. */
export interface Moving {
  moves: Moves;
  answers: Answers;
  /** Gives other nodes the mirrors that they take over. */
  serveMirrors: Handler;
}

export function openMoving({ cloneTimeoutMs }: Pick<Config, "cloneTimeoutMs">, needs: Needs): Moving {
  const { node, domain, ground } = needs;
  const { registry, holds, keptTips, layout } = domain.records;
  /** @returns null: there is no mirror that is complete and sound */
  const openMirror = (id: number) => {
    const place = layout.mirror(id);
    const isSound = registry.managed(id) !== null && domain.records.hasMirror(id) && !isCondemned(place);
    return isSound ? linkTarget(place) : null;
  };
  const isPart = (id: number): boolean | null => {
    const dir = openMirror(id);
    const extent = dir === null ? null : extentOf(dir);
    return extent && (extent.depth !== null || extent.filter !== null);
  };
  const sources = {
    hasMirror: (id: number) => isPart(id) === false,
    hasPart: (id: number) => isPart(id) === true,
    pausedAt: (id: number) => registry.managed(id)?.pausedAt ?? null,
    countHolds: holds.count,
    holds: holds.page,
    kept: keptTips.page,
  };
  return {
    moves: openMoves(needs, (id) => versionOf(sources, id)),
    answers: createMovingAnswers(sources),
    serveMirrors: createMirrorsForNodes({
      streamGit: ground.streamGit,
      slots: createSlots({ running: availableParallelism(), waiting: MAX_WAITING }),
      mayRead: node.claims.isValid,
      open: openMirror,
      timeoutMs: cloneTimeoutMs,
    }),
  };
}

function openMoves(needs: Needs, version: (id: number) => string | null): Moves {
  const { log, node, domain, ground, releasers } = needs;
  const { registry, holds, requests, hasMirror } = domain.records;
  const { removal } = domain.housekeeping;
  const takeAgain = createTakeAgain(needs);
  const isInStep = (id: number): boolean => {
    const repository = node.owns(id) ? registry.get(id) : null;
    if (repository === null) return false;
    const { state, pausedAt, error } = repository;
    if (pausedAt !== null) return isManaged(repository) && hasMirror(id);
    // A ref that is held keeps the repository from being what GitHub has.
    return state === "fresh" || (state === "failing" && error?.code === "history_blocked");
  };
  const moves = createMoves({
    self: node.self.name,
    members: node.members,
    ask: node.ask,
    ids: registry.ids,
    isManaged: (id) => registry.managed(id) !== null,
    isNeeded: node.publishes,
    isInStep,
    versionOf: version,
    hasTaken(id, from, wanted) {
      if (node.takeovers.find(id, from) === wanted) return true;
      takeAgain(id, from);
      return false;
    },
    setAside(id) {
      const repository = registry.get(id);
      if (!repository) return;
      // The owners have the pause and the holds, and end them as they see fit.
      ground.store.transaction(() => {
        node.takeovers.setAside(id);
        registry.pause(id, null);
        for (const hold of holds.of(id)) holds.end(id, hold);
        removal.setAside(repository);
      });
    },
    keepers: node.keepers,
  });
  const timer = setInterval(() => {
    try {
      if (node.join()) requests.everything("onboard");
    } catch (error) {
      log.warn({ event: "pass_not_begun", err: error }, "the node could not begin its first pass");
    }
    void moves.round();
  }, ROUND_MS);
  releasers.add("moves", () => clearInterval(timer));
  return moves;
}

/** Takes over, one after the other, what nodes have held or kept since this node took their mirrors over. */
function createTakeAgain({ log, domain, releasers }: Needs) {
  const { records, writers, mirrors, refreshing } = domain;
  const { registry, holds, requests } = records;
  const stopping = new AbortController();
  const waiting = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  releasers.add("what is taken over", async () => {
    stopping.abort();
    await last;
  });

  async function take(id: number, from: string): Promise<void> {
    const { signal } = stopping;
    const before = holds.count(id);
    await writers.write(id, signal, async () => {
      if (await mirrors.ensure(id)) await refreshing.takeOver?.state(id, from, { signal });
    });
    const repository = registry.get(id);
    // The comparison moves the refs to where they are held.
    if (repository && holds.count(id) > before) requests.repository(id, repository.installationId);
  }

  return (id: number, from: string): void => {
    const key = `${id} ${from}`;
    if (waiting.has(key) || stopping.signal.aborted) return;
    waiting.add(key);
    last = last
      .then(() => take(id, from))
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        const repository = fullNameOrId(registry.get(id), id);
        const { code, message } = asRefreshError(error);
        // The hint of the code is about GitHub.
        log.warn(
          { event: "take_over_failed", repository, node: from, code, reason: message },
          "a node that has the repository could not hand it over",
        );
      })
      .finally(() => waiting.delete(key));
  };
}
