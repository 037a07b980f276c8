import type { Outbox } from "./announce/outbox.js";
import { asRefreshError, RefreshError } from "./base/errors.js";
import { REPLICA_LAG_MS } from "./base/github-facts.js";
import type { RefChange, RefreshOutcome, RefreshRequest, RepositoryName, Trigger } from "./base/model.js";
import { fullName } from "./base/names.js";
import { createSignal, type Subscribe } from "./base/signal.js";
import type { Mirrors } from "./git/mirror/mirrors.js";
import type { Gateway } from "./git/transport/gateway.js";
import { removalHeld } from "./lifecycle/hold.js";
import type { Bringer, Pass } from "./refresh/bring.js";
import type { Guard } from "./refresh/guard.js";
import { outcomeOf, type Result, SKIPPED } from "./refresh/outcome.js";
import { isManaged, type ManagedRepository, type Registry } from "./registry/repositories.js";

export interface SyncerPorts {
  registry: Registry;
  mirrors: Mirrors;
  gateway: Gateway;
  bring: Bringer;
  guard: Guard;
  outbox: Outbox;
  /** All of what is written in it, or nothing. */
  transaction<T>(fn: () => T): T;
  /** Asks GitHub about the repository by its id. Null: it is none of ours any more. */
  reconcile(id: number): Promise<ManagedRepository | null>;
  /** Whether its removal waits for an operator's word. */
  isHeld(id: number): boolean;
  /** Before anything is cloned. @throws RefreshError `disk_low` */
  requireSpace(): void;
  hasSpace(): boolean;
  /** Points the repository's name at its mirror. */
  link(id: number, name: RepositoryName): void;
  /**
   * Brings the published trees in step with the mirror, whether it has changed or not.
   * @param retryRefused whether a commit that was refused is offered once more
   * @returns the first failure: the mirror is in step all the same
   */
  publish(
    repository: ManagedRepository,
    retryRefused: boolean,
    signal: AbortSignal,
  ): Promise<RefreshError | null>;
  /** Tells the world what the outbox has of the repository; on disk with the transaction it is part of. */
  announce(repository: ManagedRepository, trigger: Trigger): void;
  /** Maintenance of the mirrors; a refresh goes before it. */
  upkeep: {
    /** @returns whether anything was ended that ran in the mirror */
    yieldToRefresh(id: number, options?: { all?: boolean }): Promise<boolean>;
  };
  now(): number;
  /** What the refresh has fetched from GitHub. */
  onFetched(stats: { requests: number; bytes: number }): void;
  onProgress(repository: ManagedRepository, line: string): void;
}

export interface Syncer {
  /** One pass over one repository. @throws RefreshError, whose policy the queue follows */
  refresh(request: RefreshRequest, signal: AbortSignal): Promise<RefreshOutcome>;
  /** Some refs of a mirror have changed; publishing them may take a while yet. */
  onMoved: Subscribe<[id: number, changes: RefChange[]]>;
}

/** A name told by GitHub is believed this long before a question is asked under it. */
const NAME_IS_FRESH_MS = 60_000;
/** A sweep tells of a repository and asks for its refresh in one go. */
const SAME_MOMENT_MS = 1_000;
/** After the fourth retry (1, 2, 5, 15 s) an old answer is GitHub's last word for now. */
const PATIENT_ATTEMPTS = 4;
/** `pushed_at` may still change within the second, and replicas lag. */
const SETTLED_AFTER_S = 5;

/**
 * authorise → ensure mirror → bring refs → verify → publish → record → announce. Push, manual,
 * onboarding and backstop all go this way.
 */
export function createSyncer(ports: SyncerPorts): Syncer {
  const { registry, mirrors, gateway, guard, outbox } = ports;
  const moved = createSignal<[id: number, changes: RefChange[]]>();

  async function refresh(request: RefreshRequest, signal: AbortSignal): Promise<RefreshOutcome> {
    const repository = await authorise(request);
    if (!repository) return SKIPPED;
    // It was gone, and is back.
    if (repository.pausedAt !== null) throw paused();
    try {
      return await pass(repository, request, signal);
    } catch (error) {
      if (asRefreshError(error).retry.kind !== "reconcile" || signal.aborted) throw error;
      // Renamed, transferred or gone: GitHub tells by the id, and the pass is made once more.
      const now = await ports.reconcile(repository.id);
      return now ? await pass(now, request, signal) : SKIPPED;
    }
  }

  /** Who the repository is and whose token reads it; by id when that is not certain. */
  async function authorise(request: RefreshRequest): Promise<ManagedRepository | null> {
    const known = registry.get(request.repositoryId);
    if (!known) return null;
    // A delivery may tell that it has left the suspended installation.
    if (known.state === "suspended" && !known.doubted)
      throw new RefreshError("suspended", "The installation is suspended");
    if (known.pausedAt !== null && isManaged(known)) throw paused();
    if (ports.isHeld(known.id)) throw removalHeld(known.installationId);
    const asksByName = request.full || request.hints.length === 0 || known.state === "onboarding";
    const inDoubt = !isManaged(known) || known.doubted;
    // An event about the repository came in after GitHub last told of it.
    const outdated = known.confirmedAt < request.armedAt - SAME_MOMENT_MS;
    const isNameFresh = ports.now() - known.confirmedAt < NAME_IS_FRESH_MS;
    return inDoubt || (asksByName && (outdated || !isNameFresh)) ? ports.reconcile(known.id) : known;
  }

  /** What follows once it is known who the repository is. A mirror that is cloned is brought in step by that. */
  async function pass(
    repository: ManagedRepository,
    request: RefreshRequest,
    signal: AbortSignal,
  ): Promise<RefreshOutcome> {
    const work = begin(repository, request, signal);
    try {
      const cloned = await ensureMirror(work, request);
      // Both verify what they got, and that its name is still the repository's, before a ref moves.
      const { outcome, behind, notYet } = cloned ?? (await bringRefs(work, request));
      if (outcome.changes.length > 0) moved.emit(repository.id, outcome.changes);
      const unlinked = link(work);
      const unpublished = await publish(work, request);
      ports.transaction(() => {
        if (!notYet) record(repository, request, behind);
        ports.announce(repository, request.trigger);
      });
      const failure = notYet ?? unlinked ?? unpublished;
      if (failure) throw failure;
      return outcome;
    } finally {
      work.lease.close();
      ports.onFetched(work.lease.stats);
    }
  }

  function begin(repository: ManagedRepository, request: RefreshRequest, signal: AbortSignal): Pass {
    const lease = gateway.open(repository);
    const onProgress = (line: string) => ports.onProgress(repository, line);
    // Fresh pushes cut the waits short, so the attempts alone do not say that GitHub had its time.
    const lastTry = request.attempt > PATIENT_ATTEMPTS && ports.now() - request.armedAt > REPLICA_LAG_MS;
    const confirmName = () => confirm(repository);
    const run = { signal, onProgress, confirmName };
    return { repository, trigger: request.trigger, lease, run, lastTry, confirmName };
  }

  /** What a tree is made of may be what shows that the mirror is damaged. */
  async function publish(work: Pass, request: RefreshRequest): Promise<RefreshError | null> {
    // By the name that it has now.
    const repository = () => registry.get(work.repository.id) ?? work.repository;
    const offer = () => ports.publish(repository(), request.trigger === "manual", work.run.signal);
    const failure = await offer();
    if (failure?.retry.kind !== "rebuild") return failure;
    mirrors.distrust(work.repository.id);
    await clone(work, request, "replacement");
    return offer();
  }

  /**
   * Another repository may have taken the name, a moment ago: what was answered under it counts once GitHub
   * says, after the answer, that the name is still that of the id.
   */
  async function confirm(repository: ManagedRepository): Promise<void> {
    const now = await ports.reconcile(repository.id);
    if (now?.owner === repository.owner && now.name === repository.name) return;
    throw new RefreshError("moved", `${fullName(repository)} is now another repository's name`);
  }

  /** @returns what a clone has brought; null: there is a mirror, whose refs are to be brought in step */
  async function ensureMirror(pass: Pass, request: RefreshRequest): Promise<Result | null> {
    const { id } = pass.repository;
    await ports.upkeep.yieldToRefresh(id, { all: !mirrors.trusts(id) });
    if (!mirrors.ensure(id)) return clone(pass, request, "first");
    // With too little space it goes on as it is.
    if (!mirrors.hasWantedExtent(id) && ports.hasSpace()) return clone(pass, request, "replacement");
    return null;
  }

  async function bringRefs(pass: Pass, request: RefreshRequest): Promise<Result> {
    const { id, defaultBranch } = pass.repository;
    try {
      await mirrors.setHead(id, defaultBranch);
      return await bring(pass, request);
    } catch (error) {
      if (pass.run.signal.aborted) throw error;
      return recover(pass, request, asRefreshError(error));
    }
  }

  async function bring(pass: Pass, request: RefreshRequest): Promise<Result> {
    const comparesAll = request.full || request.hints.length === 0;
    return comparesAll ? compareAll(pass, request) : bringHinted(pass, request);
  }

  /** What was begun and cut short: a change that was made all the same is announced with this pass's. */
  async function resolveInterruptedChanges({ repository: { id }, run }: Pass): Promise<void> {
    if (outbox.inDoubt(id)) outbox.resolve(id, await mirrors.tips(id, run.signal));
  }

  async function bringHinted(pass: Pass, request: RefreshRequest): Promise<Result> {
    await resolveInterruptedChanges(pass);
    const { way, ...brought } = await ports.bring.byHint(pass, request.hints);
    return { outcome: outcomeOf(brought, way), behind: brought.behind, notYet: brought.notYet };
  }

  async function compareAll(pass: Pass, request: RefreshRequest): Promise<Result> {
    await resolveInterruptedChanges(pass);
    const brought = await ports.bring.inFull(pass, request.hints);
    if (!brought.notYet && !brought.behind) settle(pass);
    return { outcome: outcomeOf(brought, "full"), behind: brought.behind, notYet: brought.notYet };
  }

  /** What can be put right in the same pass is; the rest is the queue's to repeat. */
  async function recover(pass: Pass, request: RefreshRequest, first: RefreshError): Promise<Result> {
    const { id } = pass.repository;
    let error = first;
    if (first.is("doubtsMirror")) {
      mirrors.distrust(id);
      // Its leftovers are cleared next, and a lock or a pack out of place may be maintenance's doing.
      const disturbed = await ports.upkeep.yieldToRefresh(id, { all: true });
      const passes = first.is("passesOnceCleared") || (disturbed && first.code === "git");
      if (passes && mirrors.ensure(id)) {
        try {
          return await bring(pass, request);
        } catch (second) {
          error = asRefreshError(second);
        }
      }
    }
    if (pass.run.signal.aborted) throw error;
    if (error.retry.kind === "rebuild") return clone(pass, request, "replacement");
    if (error.retry.kind === "full" && !request.full && mirrors.ensure(id)) return compareAll(pass, request);
    throw error;
  }

  /** A replica may have served the clone from before the pushes that were told: they are looked at after it. */
  async function clone(pass: Pass, request: RefreshRequest, kind: "first" | "replacement"): Promise<Result> {
    const { id, defaultBranch } = pass.repository;
    ports.requireSpace();
    await ports.upkeep.yieldToRefresh(id, { all: true });
    const judge = guard.judgeOf(pass.repository);
    // What was made of it in the old mirror nobody can say any more.
    outbox.resolve(id, null);
    outbox.intendClone(id, request.trigger);
    const changes = await mirrors.clone(id, pass.lease, defaultBranch, pass.run, judge);
    outbox.cloned(id, changes, kind === "first");
    link(pass);
    settle(pass);
    const outcome: RefreshOutcome = { result: "cloned", changes, way: "clone" };
    if (request.hints.length === 0) return { outcome, behind: false, notYet: null };
    mirrors.ensure(id);
    const repository = registry.get(id) ?? pass.repository;
    const hinted = await bringHinted({ ...pass, repository }, request);
    return { ...hinted, outcome: { ...outcome, changes: [...changes, ...hinted.outcome.changes] } };
  }

  /**
   * GitHub may have told of another name while git ran, or that it is gone and its name another's.
   * @returns why its name does not lead to it; the mirror is in step all the same
   */
  function link({ repository: { id } }: Pass): RefreshError | null {
    const now = registry.get(id);
    if (!now || !isManaged(now) || now.state === "suspended") return null;
    try {
      ports.link(id, now);
      return null;
    } catch (error) {
      return asRefreshError(error);
    }
  }

  /** Only a full comparison settles `pushed_at`: the value read before it, once it cannot change any more. */
  function settle({ repository, lease }: Pass): void {
    const { id, answeredAt, pushedAt } = repository;
    // While a ref is held the comparison dates GitHub's answers, but the mirror is not proven equal.
    const equal = guard.standing(id).length === 0;
    const settled = equal && answeredAt - pushedAt >= SETTLED_AFTER_S;
    registry.compared(id, {
      comparedAt: lease.servedAt() ?? answeredAt,
      settledPushedAt: settled ? pushedAt : -1,
      equal,
    });
  }

  /** A refresh of single refs proves those refs only: it does not make a repository fresh that is behind. */
  function record(repository: ManagedRepository, request: RefreshRequest, behind: boolean): void {
    const { id } = repository;
    const now = registry.get(id);
    if (!now || !isManaged(now) || now.state === "suspended") return;
    const lagMs = request.trigger === "push" ? ports.now() - request.armedAt : null;
    const staysBehind = now.state === "behind" && !request.full;
    const heldFailure = guard.failure(repository);
    registry.refreshed(id, heldFailure ? "failing" : behind || staysBehind ? "behind" : "fresh", lagMs);
    // The refresh went well, so the queue repeats nothing; yet the mirror is not what GitHub has.
    if (heldFailure) registry.failed(id, heldFailure, request.attempt);
  }

  return { refresh, onMoved: moved.on };
}

const paused = () => new RefreshError("paused", "An operator paused the repository");
