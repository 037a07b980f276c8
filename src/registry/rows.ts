import type { RepositoryState, Visibility } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { Row } from "../store/database.js";

export interface ManagedRepository extends RemoteRepository {
  state: RepositoryState;
  /**
   * GitHub's clock, in whole seconds, at the answer that had `pushedAt`. 0: only a delivery has named the
   * repository. The column is called told_at.
   */
  answeredAt: number;
  /** When GitHub last confirmed that the name belongs to the id, in milliseconds. */
  confirmedAt: number;
  /** When GitHub was asked for the answer that confirmedAt dates, in milliseconds; 0: not known. */
  askedAt: number;
  /** The stored name may be outdated: GitHub is asked before any use of the name. */
  doubted: boolean;
  /** The `pushed_at` that a full comparison has settled; -1: none yet. */
  settledPushedAt: number;
  /** When Lockstep first learned of the repository, in milliseconds. */
  addedAt: number;
  /** GitHub's clock at the last full comparison, in whole seconds. */
  comparedAt: number;
  /** When GitHub was asked for the refs of the last full comparison that found them equal, in milliseconds. */
  fullAt: number | null;
  /** Since when GitHub no longer lists the repository, in milliseconds. */
  goneAt: number | null;
  /** Since when an operator pauses the repository, in milliseconds. */
  pausedAt: number | null;
  /** Deliveries may be lost for good: the next pass compares the repository in full. */
  recheck: boolean;
  refreshedAt: number | null;
  lagMs: number | null;
  error: { code: string; message: string; hint: string; at: number; attempt: number } | null;
}

/** Whose the repository is and what it is called, without the rest of what is known of it. */
export type RepositoryIdentity = Pick<
  ManagedRepository,
  "id" | "owner" | "name" | "installationId" | "state"
>;

/** What deliveries and answers have proven about one ref. */
export interface RefKnowledge {
  /**
   * The greatest `pushed_at` of any delivery acted on, or GitHub's clock when the ref was asked for by name.
   */
  pushedAt: number;
  /** When a delivery's word moved the ref, in milliseconds; 0: never. */
  movedAt: number;
  movedFrom: string | null;
}

/** @param row a row of ref_knowledge */
export const toRefKnowledge = (row: Row): RefKnowledge => ({
  pushedAt: Number(row.pushed_at),
  movedAt: Number(row.moved_at),
  movedFrom: row.moved_from as string | null,
});

export const toIdentity = (id: number, row: Row): RepositoryIdentity => ({
  id,
  owner: String(row.owner),
  name: String(row.name),
  installationId: Number(row.installation_id),
  state: row.state as RepositoryState,
});

/** @param row a row of repositories @returns null: no row exists */
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
    visibility: row.visibility as Visibility | null,
    archived: row.archived === null ? null : Number(row.archived) === 1,
    answeredAt: Number(row.told_at),
    confirmedAt: Number(row.confirmed_at),
    askedAt: Number(row.asked_at),
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
