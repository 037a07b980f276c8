import type { RefreshError } from "./base/errors.js";
import type { RefreshRequest, Trigger } from "./base/model.js";
import { createSignal, type Subscribe } from "./base/signal.js";
import type { Checkouts } from "./checkouts/published-trees.js";
import type { Mirrors } from "./git/mirror/mirrors.js";
import type { Visit, Write } from "./git/mirror/writers.js";
import type { ManagedRepository, Registry } from "./registry/repositories.js";

export interface PublisherPorts {
  registry: Pick<Registry, "managed">;
  mirrors: Pick<Mirrors, "trusts" | "ensureSound" | "condemn">;
  write: Write;
  visit: Visit;
  checkouts: Pick<Checkouts, "publish">;
  /** Whether the name leads to this repository's mirror; a name may have passed to another repository. */
  isOwner(repository: ManagedRepository): boolean;
  /** Returns the directory that has the mirror now; null: there is none. */
  directoryOf(id: number): string | null;
  /** Announces what was published and refused. */
  announce(repository: ManagedRepository, trigger: Trigger): void;
  /** Requests a refresh that compares every ref. */
  requestRefresh(repository: ManagedRepository): void;
  /** Maintenance of the mirrors gives way to whoever reads or writes them. */
  upkeep: { yieldToRefresh(id: number, options?: { all?: boolean }): Promise<boolean> };
}

export interface Publisher {
  /**
   * Brings the published trees of one repository in step with its mirror. With `full` a commit that was refused is
   * offered once more. @throws RefreshError the first failure; the other trees are in step all the same
   */
  publish(
    request: Pick<RefreshRequest, "repositoryId" | "trigger" | "full" | "attempt">,
    signal: AbortSignal,
  ): Promise<void>;
  /** Fires when a tree was published, or a commit was refused. */
  onPublished: Subscribe<[id: number]>;
}

/**
 * The steps are find → ensure mirror → publish each tree → announce → repair. Only the second step, and the pinning of
 * each commit, hold up a refresh of the repository.
 */
export function createPublisher(ports: PublisherPorts): Publisher {
  const published = createSignal<[id: number]>();
  return {
    onPublished: published.on,
    async publish(request, signal) {
      const id = request.repositoryId;
      const repository = find(ports, id);
      if (!repository) return;
      if (!(await ensureMirror(ports, id, signal))) return ports.requestRefresh(repository);
      const directory = ports.directoryOf(id);
      const failure = await ports.checkouts.publish({
        repository,
        retryRefused: request.full,
        signal,
        current: () => find(ports, id),
        onEnd() {
          ports.announce(find(ports, id) ?? repository, request.trigger);
          published.emit(id);
        },
      });
      if (failure) {
        await repair(ports, repository, { failure, directory, signal });
        throw failure;
      }
      // The state still shows the earlier failure; a refresh says what the state is.
      if (request.attempt > 1 && ports.registry.managed(id)?.state === "failing")
        ports.requestRefresh(repository);
    },
  };
}

/** @returns null: nothing of the repository is to be published now */
function find({ registry, isOwner }: PublisherPorts, id: number): ManagedRepository | null {
  const known = registry.managed(id);
  if (!known || known.state === "suspended" || known.pausedAt !== null) return null;
  return isOwner(known) ? known : null;
}

/**
 * Leftovers are only cleared as the mirror's writer: they may be what the writer's own git writes.
 * @returns false: there is no sound mirror, so a refresh has to clone it
 */
async function ensureMirror(
  { mirrors, write, visit, upkeep }: PublisherPorts,
  id: number,
  signal: AbortSignal,
): Promise<boolean> {
  const isSound = await visit(id, signal, async () => {
    await upkeep.yieldToRefresh(id);
    // No other work comes between: the writer may stop to trust the mirror while it waits for GitHub.
    return mirrors.trusts(id) ? mirrors.ensureSound(id, signal) : null;
  });
  if (isSound !== null) return isSound;
  return write(id, signal, async () => {
    await upkeep.yieldToRefresh(id, { all: !mirrors.trusts(id) });
    return mirrors.ensureSound(id, signal);
  });
}

interface Failed {
  failure: RefreshError;
  /** The mirror's directory before the publish. */
  directory: string | null;
  signal: AbortSignal;
}

/** Making a tree may be what shows that the mirror is damaged, unless the mirror was replaced meanwhile. */
async function repair(
  { mirrors, visit, directoryOf, requestRefresh }: PublisherPorts,
  repository: ManagedRepository,
  { failure, directory, signal }: Failed,
): Promise<void> {
  if (failure.retry.kind !== "rebuild" || signal.aborted) return;
  const { id } = repository;
  const isCondemned = await visit(id, signal, async () => {
    if (directoryOf(id) !== directory) return false;
    await mirrors.condemn(id);
    return true;
  });
  if (isCondemned) requestRefresh(repository);
}
