import { availableParallelism } from "node:os";
import { monotonicMs } from "../base/clock.js";
import { createHolders } from "../base/holders.js";
import type { Log } from "../base/log.js";
import { subjectOfKey } from "../base/model.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { clientAddress } from "../http/client-address.js";
import { isManaged } from "../registry/repositories.js";
import { createEnsure, type EnsurePorts } from "../serve/ensure.js";
import { createSpillSpace } from "../serve/herd/spill.js";
import { createHerd } from "../serve/herd/table.js";
import { createLfsPorts } from "../serve/lfs/create.js";
import { openListener } from "../serve/listener.js";
import { createServedMirrors } from "../serve/mirrors.js";
import { createRequestReader } from "../serve/request/body.js";
import type { Rights } from "../serve/rights.js";
import { createReport } from "../serve/seen/report.js";
import type { ReadTable } from "../serve/seen/table.js";
import { createService } from "../serve/service.js";
import { createSlots } from "../serve/slots.js";
import { createTurns } from "../serve/turns.js";
import { createWantsCheck } from "../serve/wants/check.js";
import { createGitHubAnswers } from "../serve/wants/github.js";
import { provenAt } from "../views/freshness.js";
import type { Domain } from "./domain.js";
import { createReaderFetches } from "./fetching.js";
import type { Ground } from "./ground.js";

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
  releasers: Releasers;
}

/** Readers that may wait while others are served. */
const MAX_WAITING = 1_000;

/** Readers whom GitHub answers at a time, in the mirrors' place. */
const MAX_PASSING = 50;
/** How long GitHub may take to say whether it gives an object, in milliseconds. */
const ASKED_MS = 30_000;

const subjectOf = (id: number) => ({ kind: "repository", id }) as const;

function ensurePorts({ records, mirrors, refreshing }: Domain): EnsurePorts {
  const { queue, registry, holds } = records;
  const { syncer, worker, runner } = refreshing;
  return {
    reported: (id) => queue.reported(subjectOf(id)),
    // A refresh that fails for good leaves the queue; one that holds a ref has ended. Both leave the repository failing.
    hasGivenUp: (id) =>
      registry.get(id)?.state === "failing" && (!queue.has(subjectOf(id)) || holds.count(id) > 0),
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

/** Opens the port on which mirrors are served, if there is one. @throws Error when it cannot be opened */
export async function openServing(
  config: Settings,
  { log, ground, domain, rights, reads, releasers }: Needs,
): Promise<void> {
  const { git, streamGit, gateway, metrics } = ground;
  const { serve, customRefs, cloneTimeoutMs, shutdownTimeoutMs } = config;
  if (serve === null) return;
  const { layout, registry } = domain.records;
  const running = availableParallelism();
  const mirrors = createServedMirrors({
    layout,
    streamGit,
    find(id) {
      const repository = registry.get(id);
      if (repository === null || !isManaged(repository) || repository.pausedAt !== null) return null;
      return { provenAt: provenAt(repository, { customRefs, now: Date.now() }) };
    },
    generation: domain.mirrors.generation,
  });
  const spills = createSpillSpace({
    dir: layout.serving,
    maxBytes: serve.cacheBytes,
    hasRoom: () => !domain.records.disk.state().low,
  });
  const herd = createHerd({ spills });
  const targetOf = (id: number) => {
    const repository = registry.get(id);
    return repository && isManaged(repository) ? repository : null;
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
  const service = createService({
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
    seen: createReport({
      log,
      table: reads,
      count: metrics.served,
      find: (name) => registry.find(name)?.id ?? null,
      clock: monotonicMs,
    }),
    lfs: createLfsPorts(gateway.lfs, { targetOf, timeoutMs: cloneTimeoutMs }),
    scheme: serve.scheme,
  });
  releasers.add("shared answers", herd.close);
  const listener = await openListener({ ...serve, shutdownTimeoutMs }, service, log);
  releasers.add("serving", listener.close);
}
