import type { RefreshError } from "../base/errors.js";
import { MAX_CLOCK_SKEW_S } from "../base/github-facts.js";
import type { RemoteRepository, RepositoryName, RepositoryState } from "../base/model.js";
import type { Row, Store } from "../store/database.js";

export interface ManagedRepository extends RemoteRepository {
  state: RepositoryState;
  /** GitHub's clock, in whole seconds, when it told `pushedAt`. 0: only a delivery has told of it. */
  toldAt: number;
  /** When GitHub last told the name that belongs to the id, in milliseconds. */
  confirmedAt: number;
  /** What is known of it may be true no more: GitHub is asked before anything is done under its name. */
  doubted: boolean;
  /** The `pushed_at` that a full comparison has settled; -1: none yet. */
  settledPushedAt: number;
  /** When it was first heard of, in milliseconds. */
  addedAt: number;
  /** GitHub's clock at the last full comparison, in whole seconds. */
  comparedAt: number;
  fullAt: number | null;
  /** Since when GitHub no longer shows it, in milliseconds. */
  goneAt: number | null;
  /** Since when an operator keeps it as it is, in milliseconds. */
  pausedAt: number | null;
  /** Deliveries may have been missed beyond recall: it is compared in full by the next pass. */
  recheck: boolean;
  refreshedAt: number | null;
  lagMs: number | null;
  error: { code: string; message: string; hint: string; at: number; attempt: number } | null;
}

/** What deliveries and answers have proven about one ref. */
export interface RefKnowledge {
  /** Greatest `pushed_at` of any delivery acted on, or GitHub's clock when it was asked by name. */
  pushedAt: number;
  /** When a delivery's word moved it, in milliseconds; 0: never. */
  movedAt: number;
  movedFrom: string | null;
}

/** Whether it is ours to keep in step; a gone or retired one is not. */
export const isManaged = ({ state }: ManagedRepository) => state !== "gone" && state !== "retired";

export interface Registry {
  get(id: number): ManagedRepository | null;
  find(name: RepositoryName): ManagedRepository | null;
  all(): ManagedRepository[];
  ofInstallation(installationId: number): ManagedRepository[];
  /** A delivery names a repository nobody has told of yet. */
  note(id: number, installationId: number, name: RepositoryName): void;
  /** Until GitHub tells of it again. The name stays its own until then. */
  doubt(id: number): void;
  /** GitHub told of it; what was stored by a clock of its that was ahead goes. @param toldAt GitHub's clock in whole seconds */
  confirm(remote: RemoteRepository, toldAt: number): void;
  setState(id: number, state: RepositoryState): void;
  /** Another installation has it now. */
  moveTo(id: number, installationId: number): void;
  /** GitHub no longer shows it, or REPOSITORIES leaves it out. Told again it keeps the time of the first such word. */
  gone(id: number, excluded: boolean): void;
  /** Nothing is known of it any more. */
  forget(id: number): void;
  /** @param at null: resumed */
  pause(id: number, at: number | null): void;
  /** Every repository is compared in full by the next pass. */
  recheckAll(): void;
  /** The same, what was fresh is behind until then, and every name is doubted. */
  doubtAll(): void;
  /** How many are ours to keep, and how many that were for an hour GitHub stopped to show since `since`. @param installationId null: of all */
  countOf(installationId: number | null, since: number): { managed: number; left: number };
  /** How many there are in each state. */
  states(): Record<string, number>;
  /** Repositories gone since before `before`, oldest first. */
  goneBefore(before: number): ManagedRepository[];
  refreshed(id: number, state: RepositoryState, lagMs: number | null): void;
  /** @param at equal: whether the mirror has all that GitHub has, no ref held */
  compared(id: number, at: { comparedAt: number; settledPushedAt: number; equal: boolean }): void;
  /** What is gone, retired or suspended stays so: GitHub out of order does not make it ours again. */
  failed(id: number, error: RefreshError, attempt: number): void;
  ref(id: number, ref: string): RefKnowledge;
  refs(id: number): Map<string, RefKnowledge>;
  learnRef(id: number, ref: string, knowledge: RefKnowledge): void;
}

/** The state as `shownState` of views/operator.ts has it. @param running a further WHEN, for what hides a stored state but no pause */
export const shownStateSql = (running = ""): string => `CASE
    WHEN state IN ('gone', 'retired', 'suspended') THEN state
    WHEN paused_at IS NOT NULL THEN 'paused'
    ${running}
    ELSE state END`;

export function createRegistry(store: Store, now: () => number = Date.now): Registry {
  const sql = statements(store);
  return {
    get: (id) => toRepository(sql.get.get(id)),
    find: ({ owner, name }) => toRepository(sql.find.get(owner, name)),
    all: () => sql.all.all().map((row) => toRepository(row)!),
    ofInstallation: (installationId) => sql.installation.all(installationId).map((row) => toRepository(row)!),
    note: (id, installationId, { owner, name }) => void sql.note.run(id, installationId, owner, name, now()),
    doubt: (id) => void sql.doubt.run(id),
    confirm(remote, toldAt) {
      const { id, installationId, owner, name, defaultBranch, pushedAt } = remote;
      sql.confirm.run(id, installationId, owner, name, defaultBranch, pushedAt, toldAt, now(), now());
    },
    setState: (id, state) => void sql.state.run(state, id),
    moveTo: (id, installationId) => void sql.moveTo.run(installationId, id),
    gone: (id, excluded) => void sql.gone.run(now(), excluded ? 1 : 0, id),
    forget: (id) => void sql.forget.run(id),
    pause: (id, at) => void sql.pause.run(at, id),
    recheckAll: () => void sql.recheckAll.run(),
    doubtAll: () => void sql.doubtAll.run(),
    countOf(installationId, since) {
      const row = sql.count.get(since, installationId, installationId);
      return { managed: Number(row?.managed), left: Number(row?.left_since ?? 0) };
    },
    states: () => Object.fromEntries(sql.states.all().map((row) => [String(row.shown), Number(row.n)])),
    goneBefore: (before) => sql.goneBefore.all(before).map((row) => toRepository(row)!),
    refreshed: (id, state, lagMs) => void sql.refreshed.run(state, now(), lagMs, id),
    compared(id, at) {
      const fullAt = at.equal ? now() : null;
      sql.compared.run(at.comparedAt, at.settledPushedAt, fullAt, id);
      // The comparison's clock now says what these rows said; a move of the last minute is still needed.
      sql.forgetRefs.run(id, at.comparedAt, now() - 60_000);
    },
    failed(id, error, attempt) {
      sql.failed.run(error.code, error.message, error.hint, now(), attempt, id);
    },
    ref(id, ref) {
      const row = sql.ref.get(id, ref);
      return row ? readRef(row) : { pushedAt: -1, movedAt: 0, movedFrom: null };
    },
    refs: (id) => new Map(sql.refs.all(id).map((row) => [String(row.ref), readRef(row)])),
    learnRef: (id, ref, { pushedAt, movedAt, movedFrom }) =>
      void sql.learnRef.run(id, ref, pushedAt, movedAt, movedFrom),
  };
}

function statements(store: Store) {
  return {
    get: store.prepare("SELECT * FROM repositories WHERE id = ?"),
    // A name may have passed to another repository: the one confirmed last has it.
    find: store.prepare(
      "SELECT * FROM repositories WHERE owner = ? AND name = ? ORDER BY state IN ('gone', 'retired'), confirmed_at DESC LIMIT 1",
    ),
    all: store.prepare("SELECT * FROM repositories ORDER BY owner, name"),
    installation: store.prepare("SELECT * FROM repositories WHERE installation_id = ?"),
    note: store.prepare(
      "INSERT INTO repositories (id, installation_id, owner, name, added_at, doubted) VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING",
    ),
    doubt: store.prepare("UPDATE repositories SET doubted = 1 WHERE id = ?"),
    confirm: store.prepare(
      `INSERT INTO repositories (id, installation_id, owner, name, default_branch, pushed_at, told_at, confirmed_at, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET installation_id = excluded.installation_id, owner = excluded.owner,
       name = excluded.name, default_branch = excluded.default_branch, pushed_at = excluded.pushed_at,
       told_at = excluded.told_at, confirmed_at = excluded.confirmed_at, doubted = 0,
       recheck = CASE WHEN compared_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN 1 ELSE recheck END,
       compared_at = CASE WHEN compared_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN excluded.told_at ELSE compared_at END,
       settled_pushed_at = CASE WHEN settled_pushed_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN -1 ELSE settled_pushed_at END`,
    ),
    state: store.prepare(
      `UPDATE repositories SET state = ?1, gone_at = CASE WHEN ?1 = 'retired' THEN gone_at END WHERE id = ?2`,
    ),
    moveTo: store.prepare("UPDATE repositories SET installation_id = ? WHERE id = ?"),
    gone: store.prepare(
      `UPDATE repositories SET gone_at = CASE state WHEN 'gone' THEN gone_at ELSE ? END, state = 'gone', excluded = ?
       WHERE id = ? AND state <> 'retired'`,
    ),
    forget: store.prepare("DELETE FROM repositories WHERE id = ?"),
    pause: store.prepare("UPDATE repositories SET paused_at = ? WHERE id = ?"),
    recheckAll: store.prepare("UPDATE repositories SET recheck = 1"),
    doubtAll: store.prepare(
      "UPDATE repositories SET recheck = 1, doubted = 1, state = CASE state WHEN 'fresh' THEN 'behind' ELSE state END",
    ),
    count: store.prepare(
      `SELECT count(*) FILTER (WHERE state NOT IN ('gone', 'retired')) AS managed,
       count(*) FILTER (WHERE gone_at > ? AND excluded = 0 AND added_at < gone_at - 3600000) AS left_since FROM repositories
       WHERE ? IS NULL OR installation_id = ?`,
    ),
    // What runs at this moment counts as what it was before.
    states: store.prepare(
      `SELECT ${shownStateSql()} AS shown, count(*) AS n FROM repositories GROUP BY shown`,
    ),
    goneBefore: store.prepare(
      "SELECT * FROM repositories WHERE state = 'gone' AND paused_at IS NULL AND gone_at <= ? ORDER BY gone_at",
    ),
    refreshed: store.prepare(
      `UPDATE repositories SET state = ?, gone_at = NULL, refreshed_at = ?, lag_ms = coalesce(?, lag_ms), error_code = NULL,
       error_message = NULL, error_hint = NULL, error_at = NULL, error_attempt = NULL WHERE id = ?`,
    ),
    compared: store.prepare(
      `UPDATE repositories SET compared_at = ?1, settled_pushed_at = max(settled_pushed_at, ?2),
       full_at = coalesce(?3, full_at), recheck = 0
       WHERE id = ?4 AND (compared_at <= ?1 OR compared_at > ?1 + ${MAX_CLOCK_SKEW_S})`,
    ),
    failed: store.prepare(
      `UPDATE repositories SET state = CASE state WHEN 'onboarding' THEN state ELSE 'failing' END, error_code = ?,
       error_message = ?, error_hint = ?, error_at = ?, error_attempt = ?
       WHERE id = ? AND state NOT IN ('gone', 'retired', 'suspended')`,
    ),
    ref: store.prepare(
      "SELECT pushed_at, moved_at, moved_from FROM ref_knowledge WHERE repository_id = ? AND ref = ?",
    ),
    refs: store.prepare("SELECT * FROM ref_knowledge WHERE repository_id = ?"),
    forgetRefs: store.prepare(
      `DELETE FROM ref_knowledge WHERE repository_id = ?1 AND moved_at < ?3
       AND (pushed_at <= ?2 OR pushed_at > ?2 + ${MAX_CLOCK_SKEW_S})`,
    ),
    learnRef: store.prepare(
      `INSERT OR REPLACE INTO ref_knowledge (repository_id, ref, pushed_at, moved_at, moved_from)
       VALUES (?, ?, ?, ?, ?)`,
    ),
  };
}

const readRef = (row: Row): RefKnowledge => ({
  pushedAt: Number(row.pushed_at),
  movedAt: Number(row.moved_at),
  movedFrom: row.moved_from as string | null,
});

export function toRepository(row: Row | undefined): ManagedRepository | null {
  if (!row) return null;
  const number = (value: unknown) => (value === null ? null : Number(value));
  return {
    id: Number(row.id),
    installationId: Number(row.installation_id),
    owner: String(row.owner),
    name: String(row.name),
    defaultBranch: String(row.default_branch),
    state: row.state as RepositoryState,
    pushedAt: Number(row.pushed_at),
    toldAt: Number(row.told_at),
    confirmedAt: Number(row.confirmed_at),
    doubted: Number(row.doubted) === 1,
    settledPushedAt: Number(row.settled_pushed_at),
    addedAt: Number(row.added_at),
    comparedAt: Number(row.compared_at),
    fullAt: number(row.full_at),
    goneAt: number(row.gone_at),
    pausedAt: number(row.paused_at),
    recheck: Number(row.recheck) === 1,
    refreshedAt: number(row.refreshed_at),
    lagMs: number(row.lag_ms),
    error:
      row.error_code === null
        ? null
        : {
            code: String(row.error_code),
            message: String(row.error_message),
            hint: String(row.error_hint),
            at: Number(row.error_at),
            attempt: Number(row.error_attempt),
          },
  };
}
