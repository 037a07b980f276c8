import { setMaxListeners } from "node:events";
import type { Log } from "../base/log.js";
import { fullNameOrId } from "../base/names.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { type Bring, createBring } from "../serve/bring.js";
import { createFetch, type Fetched } from "../serve/fetch.js";
import type { ServedMirrors } from "../serve/mirrors.js";
import { createSlots } from "../serve/slots.js";
import type { Domain } from "./domain.js";
import type { Ground } from "./ground.js";
import { servable } from "./rights.js";

interface Needs {
  log: Log;
  ground: Ground;
  domain: Domain;
  served: ServedMirrors;
  releasers: Releasers;
}

/** Repositories that may wait while others are fetched into. */
const MAX_WAITING = 1_000;
/** GitHub is told of so many commits at most that are here. */
const MAX_BASES = 200;

/** Builds what fetches objects into mirrors because readers want them. */
export function createReaderFetches(
  { fetchTimeoutMs, concurrency }: Pick<Config, "fetchTimeoutMs" | "concurrency">,
  { log, ground, domain, served, releasers }: Needs,
): Bring {
  const { records, mirrors, write, housekeeping } = domain;
  const { registry, disk, fetches } = records;
  const { maintenance } = housekeeping;

  function find(id: number): Fetched | null {
    const repository = servable(registry.get(id));
    return repository && repository.pausedAt === null ? repository : null;
  }

  async function basesOf(id: number): Promise<string[]> {
    const mirror = served.open(id);
    if (mirror === null) return [];
    const { refs } = await served.readShown(mirror);
    const bases = new Set<string>();
    for (const [name, sha] of refs) {
      if (bases.size === MAX_BASES) break;
      if (name === "HEAD" || name.startsWith("refs/heads/")) bases.add(sha);
    }
    return [...bases];
  }

  const fetch = createFetch({
    mirrors,
    write,
    find,
    requireSpace: () => disk.requireSpace(),
    yieldToFetch: maintenance.yieldToRefresh,
    hold: fetches.hold,
    openLease: (repository) => ground.gateway.open(repository, { readFor: "fetched" }),
    basesOf,
    nameOf: ({ installationId, id }) => ground.github.nameOf(installationId, id),
    onChanged: maintenance.changed,
    onFetched: ground.metrics.fetched,
    timeoutMs: fetchTimeoutMs,
  });

  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const running = new Set<Promise<unknown>>();
  releasers.add("fetches for readers", async () => {
    stopping.abort();
    await Promise.allSettled(running);
  });
  return createBring(
    {
      fetch(...call) {
        const done = fetch(...call);
        running.add(done);
        const forget = () => void running.delete(done);
        done.then(forget, forget);
        return done;
      },
      slots: createSlots({ running: concurrency, waiting: MAX_WAITING }),
      onFailed: (id, error) =>
        log.warn(
          { event: "served_fetch_failed", repository: fullNameOrId(registry.get(id), id), err: error },
          "what a reader wants could not be fetched into the mirror; GitHub answers instead",
        ),
    },
    stopping.signal,
  );
}
