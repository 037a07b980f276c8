import { setTimeout as sleep } from "node:timers/promises";
import type { Announcer } from "../announce/announcer.js";
import { monotonicMs } from "../base/clock.js";
import type { RefreshError } from "../base/errors.js";
import { keyOf, type Subject } from "../base/model.js";
import type { Sweep } from "../checkouts/sweep.js";
import type { StatusView } from "../http/operate.js";
import type { Keeper } from "../lfs/keeper.js";
import type { Links } from "../lifecycle/links.js";
import type { Maintenance } from "../maintenance/scheduler.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { Requests } from "../queue/requests.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import type { Settled, Worker } from "../worker.js";
import type { Pruning } from "./pruning.js";

export interface OncePorts {
  queue: Pick<RefreshQueue, "isPending" | "neverWait">;
  requests: Pick<Requests, "byHand">;
  onSettled: Worker["onSettled"];
  registry: Pick<Registry, "get" | "all">;
  installations: Pick<Installations, "all">;
  announcer: Pick<Announcer, "start" | "lags">;
  pruning: Pruning;
  publishedTrees: Pick<Sweep, "clearTrash" | "start">;
  links: Pick<Links, "sweep">;
  status(): StatusView | Promise<StatusView>;
  maintenance: Pick<Maintenance, "pass" | "idle">;
  /** What keeps objects of Git LFS; null: nothing does. */
  lfs: Pick<Keeper, "pass" | "idle"> | null;
  /** Consumers of events get this long after the last refresh. */
  shutdownTimeoutMs: number;
}

/** One repository is finished. */
export interface OnceStep {
  done: number;
  of: number;
  repository: ManagedRepository;
  error: RefreshError | null;
}

export interface OnceResult extends Pick<StatusView, "fresh" | "problems"> {
  /** The reason why an installation's repositories, or the installations, could not be listed. */
  failure: RefreshError | null;
}

/** Runs a single pass over everything, for a process that ends after the pass. */
export type Once = (onStep: (step: OnceStep) => void) => Promise<OnceResult>;

/** A failed connection is retried this many times before it counts. */
const TRIES = 3;
const RETRY_MS = 1_000;
const POLL_MS = 50;

export function createOnce(ports: OncePorts): Once {
  const { queue, registry, installations } = ports;

  /** Requests are made as by hand, so that delays remembered from an earlier run do not apply. */
  function ask(subject: Subject): void {
    ports.requests.byHand(subject, installationOf(subject));
  }

  /** Resolves when each repository was refreshed or has failed for good. */
  function doAll(subjects: Subject[], onDone: (subject: Subject, error: RefreshError | null) => void) {
    const open = new Map(
      subjects.flatMap((subject) => {
        const found = { subject, tries: 0, timer: undefined as NodeJS.Timeout | undefined };
        return workOf(subject).map((work) => [keyOf(work), found] as const);
      }),
    );
    return new Promise<void>((resolve) => {
      const unsubscribe = ports.onSettled(listen);
      for (const subject of subjects) ask(subject);
      end();

      function listen({ key, error }: Settled): void {
        const found = open.get(key);
        if (!found || (!error && workOf(found.subject).some(queue.isPending))) return;
        found.tries += 1;
        // The queue may finish a repository before this line.
        clearTimeout(found.timer);
        if (error && mayPass(error) && found.tries < TRIES) {
          found.timer = setTimeout(ask, RETRY_MS * found.tries, found.subject);
          return;
        }
        for (const work of workOf(found.subject)) open.delete(keyOf(work));
        onDone(found.subject, error);
        end();
      }

      function end(): void {
        if (open.size > 0) return;
        unsubscribe();
        resolve();
      }
    });
  }

  function installationOf({ kind, id }: Subject): number {
    return kind === "repository" ? (registry.get(id)?.installationId ?? 0) : id;
  }

  async function list(): Promise<RefreshError | null> {
    let failure: RefreshError | null = null;
    const note = (_: Subject, error: RefreshError | null) => {
      failure ??= error;
    };
    await doAll([{ kind: "app", id: 0 }], note);
    if (failure) return failure;
    const active = installations.all().filter(({ state }) => state === "active");
    await doAll(
      active.map(({ id }) => ({ kind: "installation", id })),
      note,
    );
    return failure;
  }

  /** Events that a consumer does not accept in time stay on disk for the next run or the server. */
  async function announced(): Promise<void> {
    const until = monotonicMs() + ports.shutdownTimeoutMs;
    const isBehind = () => ports.announcer.lags().some(({ pending }) => pending > 0);
    while (isBehind() && monotonicMs() < until) await sleep(POLL_MS);
  }

  return async (onStep) => {
    queue.neverWait();
    await ports.pruning.run();
    ports.announcer.start();
    ports.publishedTrees.clearTrash();
    await ports.publishedTrees.start(() => false);
    const failure = await list();
    void ports.links.sweep();
    const wanted = registry.all().filter(isWanted);
    let done = 0;
    const onRun = ({ id }: Subject, error: RefreshError | null) => {
      done += 1;
      const repository = registry.get(id);
      if (repository) onStep({ done, of: wanted.length, repository, error });
    };
    await doAll(
      wanted.map(({ id }) => ({ kind: "repository", id })),
      onRun,
    );
    await ports.maintenance.pass();
    await ports.lfs?.pass();
    await Promise.all([announced(), ports.maintenance.idle(), ports.lfs?.idle()]);
    const { state, problems } = await ports.status();
    // An App without repositories has nothing to bring in step.
    const isDone = state === "fresh" || state === "empty";
    const allFresh = registry.all().every((it) => !isWanted(it) || it.state === "fresh");
    return { failure, problems, fresh: isDone && allFresh && failure === null };
  };
}

/** A repository is done when its trees are published, too. */
const workOf = (subject: Subject): Subject[] =>
  subject.kind === "repository" ? [subject, { kind: "publish", id: subject.id }] : [subject];

const isWanted = (it: ManagedRepository) => isManaged(it) && it.state !== "suspended" && it.pausedAt === null;

/** Delays that GitHub asked for, and failures that only a person can fix, are not waited for. */
const mayPass = ({ retry }: RefreshError) => retry.kind !== "after" && retry.kind !== "never";
