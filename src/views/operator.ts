import { monotonicMs } from "../base/clock.js";
import type { ScopeOf, Subject } from "../base/model.js";
import { fullNameOrId } from "../base/names.js";
import { iso } from "../base/units.js";
import { isWiki } from "../base/wikis.js";
import type { Checkouts } from "../checkouts/published-trees.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { ApiPorts } from "../http/api.js";
import type { HealthPorts } from "../http/health.js";
import type { HistoryPorts } from "../http/history.js";
import type { LogPorts } from "../http/logs.js";
import type { InstallationView } from "../http/operate.js";
import type { RepositoryView, ShownState } from "../http/view.js";
import type { KeptState } from "../lfs/records.js";
import type { Removal } from "../lifecycle/removal.js";
import { type Disk, describeFull } from "../machine/disk.js";
import type { Maintenance } from "../maintenance/scheduler.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { Requests } from "../queue/requests.js";
import type { Runner } from "../queue/runner.js";
import type { Holds } from "../refresh/holds.js";
import type { Installations, KnownInstallation } from "../registry/installations.js";
import { createIdList, createRepositoryList } from "../registry/list.js";
import { createRanking } from "../registry/ranking.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import { createSeen } from "../registry/seen.js";
import type { Store } from "../store/database.js";
import { createStoreCheck } from "../watch/store-check.js";
import type { Worker } from "../worker.js";
import { type Freshness, provenAt } from "./freshness.js";
import { NO_BEATS, type Overview } from "./overview.js";
import { createRefViews } from "./refs.js";
import { createSettled } from "./settled.js";

interface Ports extends Freshness {
  store: Store;
  registry: Registry;
  installations: Installations;
  queue: Pick<RefreshQueue, "repositoriesIn" | "isPending">;
  runner: Pick<Runner, "busy" | "subjects">;
  requests: Pick<Requests, "byHand">;
  onSettled: Worker["onSettled"];
  removal: Pick<Removal, "confirm">;
  disk: Pick<Disk, "state">;
  mirrors: Pick<Mirrors, "tips">;
  hasMirror(id: number): boolean;
  holds: Pick<Holds, "find" | "waiting">;
  maintenance: Pick<Maintenance, "state">;
  checkouts: Pick<Checkouts, "of">;
  /** What is kept of a repository's objects of Git LFS; null: LFS is not set. */
  lfsState: ((id: number) => KeptState) | null;
  scopeOf: ScopeOf;
  customRefs: boolean;
  retireAfterMs: number;
  /** Resolves when an object's commit has arrived, or when the time is over. */
  contains: ApiPorts["contains"];
  events: ApiPorts["events"];
  history: HistoryPorts & Pick<ApiPorts, "kept" | "holds">;
  changes: ApiPorts["changes"];
  tokens: ApiPorts["tokens"];
  audit: ApiPorts["audit"];
  readers: ApiPorts["readers"];
  trends: ApiPorts["trends"];
  overview: Overview;
  logs: Omit<LogPorts, "get">;
  /** Begins a pass of the backstop. @returns false: a pass goes on, and another one follows it */
  beginPass(): boolean;
  stopping(): boolean;
  now(): number;
}

const subjectOf = (id: number): Subject => ({ kind: "repository", id });
/** The work of a repository: its refresh, and the publish of its trees. */
const subjectsOf = (id: number): Subject[] => [subjectOf(id), { kind: "publish", id }];

/** Shows registry and queue to the operator. */
export function createViews(ports: Ports): { api: ApiPorts; health: HealthPorts } {
  const { registry, queue, runner, installations } = ports;
  const pageOf = createRepositoryList(ports.store);
  const idsOf = createIdList(ports.store);
  const ranking = createRanking(ports.store);
  const seenBy = createSeen(ports.store);
  const storeFault = createStoreCheck(ports.store.probe, monotonicMs);

  function extentOf(id: number) {
    const { depth, filter } = ports.scopeOf(id);
    return { depth, filter };
  }

  function viewAll(repositories: readonly ManagedRepository[]): RepositoryView[] {
    const queued = queue.repositoriesIn(repositories.map(({ id }) => id));
    return repositories.map((one) => view(one, queued));
  }

  function view(repository: ManagedRepository, queued: ReadonlySet<number>): RepositoryView {
    const { id, owner, name, defaultBranch, installationId, lagMs, error, goneAt } = repository;
    const refreshing = runner.busy(subjectOf(id));
    return {
      id,
      owner,
      name,
      state: shownState(repository, refreshing),
      defaultBranch,
      installationId,
      lagMs: lagMs === null ? null : Math.max(0, lagMs),
      ...extentOf(id),
      queued: queued.has(id),
      running: subjectsOf(id).some(runner.busy),
      lastRefreshAt: iso(repository.refreshedAt),
      lastFullAt: iso(repository.fullAt),
      lastProvenAt: iso(provenAt(repository, { customRefs: ports.customRefs, now: ports.now() })),
      pausedAt: iso(repository.pausedAt),
      goneAt: iso(goneAt),
      retiresAt:
        goneAt === null || repository.state === "retired" || repository.pausedAt !== null
          ? null
          : iso(goneAt + ports.retireAfterMs),
      pushedAt: repository.pushedAt === 0 || isWiki(id) ? null : iso(repository.pushedAt * 1000),
      lastError: error && { ...error, at: iso(error.at) },
    };
  }

  function checkoutsOf(id: number): Pick<RepositoryView, "checkouts"> {
    const checkouts = ports.checkouts.of(id)?.map(({ publishedAt, refusal, ...shown }) => ({
      ...shown,
      publishedAt: iso(publishedAt),
      veto: refusal && { reason: refusal.reason, output: refusal.output, at: iso(refusal.at) },
    }));
    return checkouts ? { checkouts } : {};
  }

  function lfsOf(id: number): Pick<RepositoryView, "lfs"> {
    const state = ports.lfsState?.(id);
    return state ? { lfs: { ...state, scannedAt: iso(state.scannedAt) } } : {};
  }

  function installation(known: KnownInstallation): InstallationView {
    const { id, login, state, since, listedAt, error } = known;
    const held = installations.held(id);
    const nameOf = (repositoryId: number) => fullNameOrId(registry.get(repositoryId), repositoryId);
    return {
      id,
      login,
      state,
      since: iso(since),
      lastListedAt: iso(listedAt),
      lastError: error && { ...error, at: iso(error.at) },
      heldRemoval: held && {
        repositories: held.repositoryIds.map(nameOf),
        heldAt: iso(held.heldAt),
        confirm: `POST /api/v1/installations/${id}/confirm-removal`,
      },
    };
  }

  function ready() {
    if (ports.stopping()) return { ok: false, reason: "stopping" };
    if (storeFault() !== null) return { ok: false, reason: "deliveries cannot be stored" };
    // Deliveries still arrive, so a balancer must not turn away from this server.
    const { full } = ports.disk.state();
    return full ? { ok: true, reason: describeFull(full) } : { ok: true };
  }

  function refresh(id: number): void {
    ports.requests.byHand(subjectOf(id), registry.get(id)?.installationId ?? 0);
  }

  const api: ApiPorts = {
    ...ports.history,
    ...ports.logs,
    tokens: ports.tokens,
    audit: ports.audit,
    readers: ports.readers,
    trends: ports.trends,
    ...ports.overview,
    ranked({ page, limit, ...query }) {
      const offset = (page - 1) * limit;
      const { repositories, total } = ranking({ ...query, limit, offset, running: runningIds(runner) });
      const ids = repositories.map(({ id }) => id);
      const beats = ports.overview.beatsOf(ids);
      const held = ports.holds.waiting(ids);
      const shown = viewAll(repositories).map((one) => ({
        ...one,
        ...(beats.get(one.id) ?? NO_BEATS),
        held: held.get(one.id) ?? 0,
      }));
      return { repositories: shown, total };
    },
    contains: ports.contains,
    events: ports.events,
    async idsOf({ sees, ...query }) {
      const seen = sees && (await seenBy(sees));
      return idsOf({ ...query, seen, running: runningIds(runner) });
    },
    async list({ sees, ...query }) {
      const seen = sees && (await seenBy(sees));
      const page = pageOf({ ...query, seen, running: runningIds(runner) });
      return { ...page, repositories: viewAll(page.repositories) };
    },
    get(owner, name) {
      const found = registry.find({ owner, name });
      return found && { ...viewAll([found])[0]!, ...checkoutsOf(found.id), ...lfsOf(found.id) };
    },
    refs: createRefViews(ports),
    changes: ports.changes,
    maintenance(id) {
      const { tidiedAt, prunedAt, checkedAt, bitmapAt, ...now } = ports.maintenance.state(id);
      return {
        tidiedAt: iso(tidiedAt),
        prunedAt: iso(prunedAt),
        checkedAt: iso(checkedAt),
        bitmapAt: iso(bitmapAt),
        ...now,
      };
    },
    refresh,
    settled: createSettled(ports),
    pause: (id) => registry.pause(id, ports.now()),
    resume(id) {
      registry.pause(id, null);
      refresh(id);
    },
    installations: (paging) => installationPage(installations.all(), paging, installation),
    installation(id) {
      const known = installations.get(id);
      return known && installation(known);
    },
    confirmRemoval: ports.removal.confirm,
    beginPass: ports.beginPass,
    status: ports.status,
  };
  return { api, health: { ready, fresh: ports.fresh } };
}

const runningIds = (runner: Pick<Runner, "subjects">): number[] =>
  runner.subjects().flatMap(({ kind, id }) => (kind === "repository" ? [id] : []));

/** Installations sorted by login and id; an App has at most some thousands of them. */
function installationPage(
  all: KnownInstallation[],
  { limit, after }: Parameters<ApiPorts["installations"]>[0],
  view: (known: KnownInstallation) => InstallationView,
): ReturnType<ApiPorts["installations"]> {
  const isBehind = ({ login, id }: KnownInstallation, [toLogin, toId]: [string, number]) =>
    login > toLogin || (login === toLogin && id > toId);
  const left = after ? all.filter((one) => isBehind(one, after)) : all;
  const last = left.length > limit ? left[limit - 1] : undefined;
  return {
    installations: left.slice(0, limit).map(view),
    next: last ? [last.login, last.id] : null,
    total: all.length,
  };
}

function shownState(repository: ManagedRepository, running: boolean): ShownState {
  const { state, pausedAt } = repository;
  if (!isManaged(repository) || state === "suspended") return state;
  if (pausedAt !== null) return "paused";
  return running ? "refreshing" : state;
}
