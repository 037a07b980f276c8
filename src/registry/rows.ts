import type { RemoteRepository, RepositoryState } from "../base/model.js";
import type { Row } from "../store/database.js";

export interface ManagedRepository extends RemoteRepository {
  state: RepositoryState;
  /** GitHub's clock, in whole seconds, when it told `pushedAt`. 0: only a delivery has told of it. */
  answeredAt: number;
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
  /** Since when GitHub no longer lists it, in milliseconds. */
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

/** @param row of ref_knowledge */
export const toRefKnowledge = (row: Row): RefKnowledge => ({
  pushedAt: Number(row.pushed_at),
  movedAt: Number(row.moved_at),
  movedFrom: row.moved_from as string | null,
});

/** @param row of repositories. @returns null: there is no row */
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
    answeredAt: Number(row.told_at),
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
