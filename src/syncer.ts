import { asRefreshError, RefreshError } from "./base/errors.js";
import type { RefChange, RefHint, RefreshOutcome, RefreshRequest } from "./base/model.js";
import { fullName } from "./base/names.js";
import { createSignal, type Subscribe } from "./base/signal.js";
import { isWiki } from "./base/wikis.js";
import type { LeaseOptions } from "./git/transport/lease.js";
import { removalHeld } from "./lifecycle/hold.js";
import type { Pass } from "./refresh/bring.js";
import { isAnswered, outcomeOf, paused, SKIPPED } from "./refresh/outcome.js";
import { compareAgainInMs } from "./refresh/patience.js";
import type { SyncerPorts } from "./refresh/ports.js";
import { recordComparison, recordRefresh, recordRefused } from "./refresh/record.js";
import { isManaged, type ManagedRepository } from "./registry/repositories.js";

export interface Syncer {
  /** Makes one pass over one repository. @throws RefreshError, whose policy the queue follows */
  refresh(request: RefreshRequest, signal: AbortSignal): Promise<RefreshOutcome>;
  /** Fires when refs of a mirror have changed. */
  onMoved: Subscribe<[id: number, changes: RefChange[]]>;
  /** Fires when a push that GitHub reported has not been shown by GitHub for a day. */
  onAbandoned: Subscribe<[repository: ManagedRepository, hints: RefHint[]]>;
}

/** A name that GitHub reported is trusted this long before a question is asked under the name. */
const NAME_IS_FRESH_MS = 60_000;
/** A sweep reports a repository and requests its refresh within this time. */
const SAME_MOMENT_MS = 1_000;
/**
 * The steps are authorise → ensure mirror → bring refs → verify → record → announce. Push, manual, onboarding and
 * backstop all take these steps. Trees are published by a run of their own, which the record requests.
 */
export function createSyncer(ports: SyncerPorts): Syncer {
  const { registry, mirrors, gateway, guard, outbox } = ports;
  const moved = createSignal<[id: number, changes: RefChange[]]>();
  const abandoned = createSignal<[repository: ManagedRepository, hints: RefHint[]]>();

  const refresh = (request: RefreshRequest, signal: AbortSignal): Promise<RefreshOutcome> =>
    ports.write(request.repositoryId, signal, () => refreshAlone(request, signal), {
      canWait: request.trigger === "backstop",
    });

  async function refreshAlone(request: RefreshRequest, signal: AbortSignal): Promise<RefreshOutcome> {
    const repository = await authorise(request);
    if (!repository) return SKIPPED;
    if (repository.pausedAt !== null) throw paused();
    try {
      return await pass(repository, request, signal);
    } catch (error) {
      if (asRefreshError(error).retry.kind !== "reconcile" || signal.aborted) throw error;
      // Renamed, transferred or gone: GitHub answers by the id, and the pass is made once more.
      const now = await ports.lend(repository.id, () => ports.reconcile(repository.id));
      return now ? await pass(now, request, signal) : SKIPPED;
    }
  }

  /** Finds the repository and the token's installation; asks GitHub by id when either is uncertain. */
  async function authorise(request: RefreshRequest): Promise<ManagedRepository | null> {
    const known = registry.get(request.repositoryId);
    if (!known) return null;
    // A delivery may say that the repository has left the suspended installation.
    if (known.state === "suspended" && !known.doubted)
      throw new RefreshError("suspended", "The installation is suspended");
    if (known.pausedAt !== null && isManaged(known)) throw paused();
    if (ports.isHeld(known.id)) throw removalHeld(known.installationId);
    const asksByName = request.full || request.hints.length === 0 || known.state === "onboarding";
    const inDoubt = !isManaged(known) || known.doubted;
    // An event about the repository came in after GitHub last reported the repository.
    const outdated = known.confirmedAt < request.armedAt - SAME_MOMENT_MS;
    const isNameFresh = Math.abs(ports.now() - known.confirmedAt) < NAME_IS_FRESH_MS;
    const asksFirst = inDoubt || (asksByName && (outdated || !isNameFresh));
    if (!asksFirst) return known;
    const isOnlyOld = known.state === "onboarding" && !inDoubt && !outdated;
    return ports.lend(known.id, () => (isOnlyOld ? ports.renewName : ports.reconcile)(known.id));
  }

  /** Makes the steps once the repository is known. A clone also brings the mirror in step. */
  async function pass(
    repository: ManagedRepository,
    request: RefreshRequest,
    signal: AbortSignal,
  ): Promise<RefreshOutcome> {
    const work = begin(repository, request, signal);
    try {
      const cloned = await ensureMirror(work, request);
      // Both verify what was fetched, and that the name is still the repository's, before a ref moves.
      const outcome = cloned ?? (await bringRefs(work, request));
      if (outcome.changes.length > 0) moved.emit(repository.id, outcome.changes);
      const unlinked = link(work);
      // Events must not be undone once consumers have them; a refresh that has found nothing is only done again.
      const store = outbox.owesEvents(repository.id) ? ports.transaction : ports.unsynced;
      store(() => {
        recordRefused(ports, request, outcome);
        if (isAnswered(outcome)) recordRefresh(ports, repository, request, outcome);
        ports.announce(repository, request.trigger);
        ports.requestPublish(repository, request.trigger);
      });
      if (unlinked) throw unlinked;
      return outcome;
    } finally {
      work.lease.close();
      ports.onFetched(work.lease.stats);
    }
  }

  function begin(repository: ManagedRepository, request: RefreshRequest, signal: AbortSignal): Pass {
    const lease = gateway.open(repository, { mayBeUnwritten: () => isWithoutPages(repository.id) });
    const onProgress = (line: string) => ports.onProgress(repository, line);
    const confirmName = () => confirm(repository, ports.reconcile(repository.id));
    const lend: Pass["lend"] = (wait) => ports.lend(repository.id, wait);
    const run = { signal, onProgress, confirmName, lend };
    const openLease = (options?: LeaseOptions) => gateway.open(repository, options);
    return { repository, trigger: request.trigger, lease, run, openLease, confirmName, lend };
  }

  /**
   * Whether this is a wiki whose mirror has nothing: until its first page GitHub says that there is no such wiki. A mirror
   * that git cannot read, that another node gave or that has no row yet may have pages, so its objects decide.
   */
  const isWithoutPages = async (id: number): Promise<boolean> =>
    isWiki(id) && !(await mirrors.hasObjects(id));

  /**
   * An answer counts only once GitHub confirms after it that the id still has the name, which can be taken.
   * @returns the repository's `pushed_at`, in whole seconds since 1970
   */
  async function confirm(
    repository: ManagedRepository,
    asked: Promise<ManagedRepository | null>,
  ): Promise<number> {
    const now = await asked;
    if (now?.owner === repository.owner && now.name === repository.name) return now.pushedAt;
    throw new RefreshError("moved", `${fullName(repository)} is now another repository's name`);
  }

  /** @returns what a clone has brought; null: the mirror exists, and its refs must be brought in step */
  async function ensureMirror(pass: Pass, request: RefreshRequest): Promise<RefreshOutcome | null> {
    const { id } = pass.repository;
    await ports.upkeep.yieldToRefresh(id, { all: !mirrors.trusts(id) });
    const isSound = await mirrors.ensureSound(id, pass.run.signal);
    const taken = await takeOver(pass, request, { isFirst: !isSound });
    if (taken) return taken;
    if (!isSound) return clone(pass, request, "first");
    // With too little space the mirror keeps its extent.
    if (!mirrors.hasWantedExtent(id) && ports.hasSpace()) return clone(pass, request, "replacement");
    return null;
  }

  /** Takes the mirror of another node, which GitHub must prove. @returns null: no node has given its mirror */
  async function takeOver(
    pass: Pass,
    request: RefreshRequest,
    { isFirst }: { isFirst: boolean },
  ): Promise<RefreshOutcome | null> {
    const { id } = pass.repository;
    if (!ports.takeOver || !(isFirst || ports.takeOver.isOutdated(id))) return null;
    ports.requireSpace();
    await ports.upkeep.yieldToRefresh(id, { all: true });
    const changes = await ports.takeOver.mirror(pass, { isFirst });
    if (changes === null) return null;
    link(pass);
    // A pause may have come with the mirror.
    if ((registry.get(id)?.pausedAt ?? null) !== null) throw paused();
    const brought = await bringRefs(pass, { ...request, full: true });
    return { ...brought, changes: [...changes, ...brought.changes] };
  }

  async function bringRefs(pass: Pass, request: RefreshRequest): Promise<RefreshOutcome> {
    try {
      return await bring(pass, request);
    } catch (error) {
      if (pass.run.signal.aborted) throw error;
      return recover(pass, request, asRefreshError(error));
    }
  }

  /** git reads a HEAD that was cut to "ref: refs/h" without an error, so each try looks at HEAD first. */
  async function bring(pass: Pass, request: RefreshRequest): Promise<RefreshOutcome> {
    const { id, defaultBranch } = pass.repository;
    await mirrors.setHead(id, defaultBranch);
    const comparesAll = request.full || request.hints.length === 0;
    return comparesAll ? compareAll(pass, request) : bringHinted(pass, request);
  }

  /** Resolves interrupted changes: a change that was made is announced with this pass's changes. */
  async function resolveInterruptedChanges({ repository: { id }, run }: Pass): Promise<void> {
    if (outbox.inDoubt(id)) outbox.resolve(id, await mirrors.tips(id, run.signal));
  }

  async function bringHinted(pass: Pass, request: RefreshRequest): Promise<RefreshOutcome> {
    await resolveInterruptedChanges(pass);
    const { way, ...brought } = await ports.bring.byHint(pass, request.hints);
    if (brought.abandoned.length > 0) abandoned.emit(pass.repository, brought.abandoned);
    return outcomeOf(brought, way);
  }

  async function compareAll(pass: Pass, request: RefreshRequest): Promise<RefreshOutcome> {
    await resolveInterruptedChanges(pass);
    const askedAt = ports.now();
    const brought = await ports.bring.inFull(pass, request.hints);
    if (brought.abandoned.length > 0) abandoned.emit(pass.repository, brought.abandoned);
    const compareInMs = compareAgainInMs(request.unlisted, ports.now());
    if (brought.open.length === 0 && compareInMs === null) recordComparison(ports, pass, askedAt);
    return { ...outcomeOf(brought, "full"), compareInMs };
  }

  /** Recovers within the same pass where that is possible; the queue repeats other failures. */
  async function recover(pass: Pass, request: RefreshRequest, first: RefreshError): Promise<RefreshOutcome> {
    const { id } = pass.repository;
    let error = first;
    if (first.is("doubtsMirror")) {
      mirrors.distrust(id);
      // Leftovers are cleared next, and a lock or pack out of place may be from running maintenance.
      const disturbed = await ports.upkeep.yieldToRefresh(id, { all: true });
      const passes = first.is("passesOnceCleared") || (disturbed && first.code === "git");
      if (passes && (await mirrors.ensure(id))) {
        try {
          return await bring(pass, request);
        } catch (second) {
          error = asRefreshError(second);
        }
      }
    }
    if (pass.run.signal.aborted) throw error;
    if (error.retry.kind === "rebuild") return clone(pass, request, "replacement");
    if (error.retry.kind === "full" && !request.full && (await mirrors.ensure(id)))
      return compareAll(pass, request);
    throw error;
  }

  /** Clones, then checks reported pushes: a replica may have served the clone from before those pushes. */
  async function clone(
    pass: Pass,
    request: RefreshRequest,
    kind: "first" | "replacement",
  ): Promise<RefreshOutcome> {
    const { id, defaultBranch } = pass.repository;
    ports.requireSpace();
    await ports.upkeep.yieldToRefresh(id, { all: true });
    const judge = guard.judgeOf(pass.repository);
    // Changes that were interrupted in the old mirror can no longer be resolved.
    outbox.resolve(id, null);
    outbox.intendClone(id, request.trigger);
    const askedAt = ports.now();
    const confirmName = () => confirm(pass.repository, ports.reconcileCloned(id, pass.run.signal));
    const run = kind === "first" ? { ...pass.run, confirmName } : pass.run;
    const { changes, refused } = await mirrors.clone(id, pass.lease, defaultBranch, run, judge);
    outbox.cloned(id, changes, kind === "first");
    link(pass);
    const compareInMs = compareAgainInMs(request.unlisted, ports.now());
    if (compareInMs === null) recordComparison(ports, pass, askedAt);
    const outcome: RefreshOutcome = {
      result: "cloned",
      changes,
      refused,
      way: "clone",
      open: [],
      compareInMs,
    };
    if (request.hints.length === 0) return outcome;
    await mirrors.ensure(id);
    const repository = registry.get(id) ?? pass.repository;
    const hinted = await bringHinted({ ...pass, repository }, request);
    return {
      ...outcome,
      changes: [...changes, ...hinted.changes],
      refused: [...refused, ...hinted.refused],
      open: hinted.open,
    };
  }

  /**
   * Points the name at the mirror. While git ran, the repository may have been renamed, or be gone and its
   * name taken.
   * @returns why the name does not lead to the mirror; the mirror is in step all the same
   */
  function link({ repository: { id } }: Pass): RefreshError | null {
    const now = registry.managed(id);
    if (!now || now.state === "suspended") return null;
    try {
      ports.link(id, now);
      return null;
    } catch (error) {
      return asRefreshError(error);
    }
  }

  return { refresh, onMoved: moved.on, onAbandoned: abandoned.on };
}
