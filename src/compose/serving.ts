import { availableParallelism } from "node:os";
import { monotonicMs } from "../base/clock.js";
import { createHolders } from "../base/holders.js";
import type { Log } from "../base/log.js";
import { subjectOfKey } from "../base/model.js";
import type { Releasers } from "../base/releasers.js";
import type { PassedReads } from "../cluster/passed-reads.js";
import type { Config } from "../config/load.js";
import { clientAddress } from "../http/client-address.js";
import type { Handler } from "../http/handler.js";
import { createEnsure, type EnsurePorts } from "../serve/ensure.js";
import { createSpillSpace } from "../serve/herd/spill.js";
import { createHerd } from "../serve/herd/table.js";
import { createLfsPorts } from "../serve/lfs/create.js";
import { createTickets } from "../serve/lfs/ticket.js";
import { openListener } from "../serve/listener.js";
import { createServedMirrors } from "../serve/mirrors.js";
import type { OtherNodes } from "../serve/other-nodes.js";
import { createPassedOn } from "../serve/passed-on.js";
import { createRequestReader } from "../serve/request/body.js";
import type { Rights } from "../serve/rights.js";
import { createReport } from "../serve/seen/report.js";
import type { ReadTable } from "../serve/seen/table.js";
import { createAnswerReader, createService, type ServiceNeeds } from "../serve/service.js";
import { createSlots } from "../serve/slots.js";
import { createTurns } from "../serve/turns.js";
import { createWantsCheck } from "../serve/wants/check.js";
import { createGitHubAnswers } from "../serve/wants/github.js";
import { provenAt } from "../views/freshness.js";
import type { Domain } from "./domain.js";
import { createReaderFetches } from "./fetching.js";
import type { Ground } from "./ground.js";
import type { Listed } from "./rights.js";

type Settings = Pick<
  Config,
  | "serve"
  | "trustedProxies"
  | "customRefs"
  | "fetchTimeoutMs"
  | "cloneTimeoutMs"
  | "shutdownTimeoutMs"
  | "concurrency"
>;

interface Needs {
  log: Log;
  ground: Ground;
  domain: Domain;
  rights: Rights;
  /** Who has read what, for the page. */
  reads: ReadTable;
  /** What nodes pass on to each other; null: this Lockstep is alone. */
  between: BetweenNodes | null;
  releasers: Releasers;
}

/** How readers are passed on from node to node. */
export interface BetweenNodes extends Pick<PassedReads, "isOurs" | "open"> {
  others: Omit<OtherNodes, "passing" | "timeoutMs">;
  /** Returns a repository that other nodes have; null: none has it. */
  get(id: number): Listed | null;
  /** What all nodes sign the addresses of objects of Git LFS with. */
  ticketKey: Buffer;
}

/** Readers that may wait while others are served. */
const MAX_WAITING = 1_000;

/** Readers whom GitHub answers at a time, in the mirrors' place. */
const MAX_PASSING = 50;
/** Readers whom other nodes answer at a time. */
const MAX_AT_NODES = 500;
/** How long GitHub may take to say whether it gives an object, in milliseconds. */
const ASKED_MS = 30_000;

const subjectOf = (id: number) => ({ kind: "repository", id }) as const;

function ensurePorts({ records, mirrors, refreshing }: Domain): EnsurePorts {
  const { queue, registry, holds } = records;
  const { syncer, worker, runner } = refreshing;
  return {
    reported: (id) => queue.reported(subjectOf(id)),
    hasGivenUp(id) {
      const state = registry.get(id)?.state;
      // A refresh that fails for good leaves the queue; one that holds a ref has ended. Both leave the repository failing.
      if (state === "failing") return !queue.has(subjectOf(id)) || holds.count(id) > 0;
      // A ref that git refuses to write is GitHub's, and not the mirror's.
      return state === "incomplete";
    },
    tip: mirrors.tip,
    hurry(id) {
      if (queue.endQuiet(subjectOf(id))) runner.wake(subjectOf(id));
    },
    onMoved: syncer.onMoved,
    onSettled: (listener) =>
      worker.onSettled(({ key, error }) => {
        const subject = subjectOfKey(key);
        if (subject?.kind === "repository") listener(subject.id, error === null ? "done" : "failed");
      }),
  };
}

/**
 * Opens the port on which mirrors are served, if there is one. @throws Error when it cannot be opened
 * @returns what answers readers of other nodes, over the port of the API; null: this Lockstep is alone
 */
export async function openServing(config: Settings, needs: Needs): Promise<Handler | null> {
  const { serve, shutdownTimeoutMs } = config;
  const { log, between, releasers } = needs;
  if (serve === null && between === null) return null;
  const parts = createServiceParts(config, needs);
  releasers.add("shared answers", parts.herd.close);
  if (serve !== null) {
    const listener = await openListener({ ...serve, shutdownTimeoutMs }, createService(parts), log);
    releasers.add("serving", listener.close);
  }
  return between && createPassedOn({ ...between, answer: createAnswerReader(parts), log });
}

function createServiceParts(
  config: Settings,
  { log, ground, domain, rights, reads, between, releasers }: Needs,
): ServiceNeeds {
  const { git, streamGit, gateway, metrics } = ground;
  const { serve, customRefs, cloneTimeoutMs } = config;
  const { layout, registry } = domain.records;
  const running = availableParallelism();
  const mirrors = createServedMirrors({
    layout,
    streamGit,
    find(id) {
      const repository = registry.managed(id);
      if (repository === null || repository.pausedAt !== null) return null;
      return { provenAt: provenAt(repository, { customRefs, now: Date.now() }) };
    },
    generation: domain.mirrors.generation,
  });
  const spills = createSpillSpace({
    dir: layout.serving,
    maxBytes: serve?.cacheBytes ?? 0,
    hasRoom: () => !domain.records.disk.state().low,
  });
  const herd = createHerd({ spills });
  const targetOf = (id: number) => {
    return registry.managed(id) ?? between?.get(id) ?? null;
  };
  const github = createGitHubAnswers(async (id, object) => {
    const target = targetOf(id);
    return target !== null && gateway.givesObject(target, object, AbortSignal.timeout(ASKED_MS));
  });
  const { bring, isComing } = createReaderFetches(config, {
    log,
    ground,
    domain,
    served: mirrors,
    releasers,
  });
  return {
    rights,
    addressOf: clientAddress(config.trustedProxies),
    openMirror: mirrors.open,
    readShown: mirrors.readShown,
    ensureFresh: createEnsure(ensurePorts(domain)),
    bring,
    checkWants: createWantsCheck({ git, streamGit, github, isComing }),
    approaching: createHolders<number>(),
    turn: createTurns(),
    readRequest: createRequestReader(),
    streamGit,
    slots: createSlots({ running, waiting: MAX_WAITING }),
    checks: createSlots({ running, waiting: MAX_WAITING }),
    herd,
    generation: domain.mirrors.generation,
    onClone: domain.housekeeping.maintenance.cloned,
    timeoutMs: cloneTimeoutMs,
    threads: 1,
    pass: {
      send: gateway.sendForReader,
      targetOf,
      passing: createSlots({ running: MAX_PASSING, waiting: MAX_WAITING }),
      herd,
    },
    others: between && {
      ...between.others,
      passing: createSlots({ running: MAX_AT_NODES, waiting: MAX_WAITING }),
      timeoutMs: cloneTimeoutMs,
    },
    seen: createReport({
      log,
      table: reads,
      count: metrics.served,
      find: (name) => registry.find(name)?.id ?? null,
      clock: monotonicMs,
    }),
    lfs: createLfsPorts(gateway.lfs, {
      targetOf,
      kept: domain.lfs?.served ?? null,
      timeoutMs: cloneTimeoutMs,
      // An object may be asked for at another node than the one that said where it is.
      ...(between && { tickets: createTickets(Date.now, between.ticketKey) }),
    }),
    scheme: serve?.scheme ?? "http",
  };
}
