import type { RepositoryState } from "../model.js";
import type { HoldView, KeptView } from "./history.js";

/** The stored state, but for what hides it: a refresh that runs, or an operator's pause. */
export type ShownState = RepositoryState | "refreshing" | "paused";

/** A managed repository as the API shows it. Times are ISO 8601 texts in UTC. */
export interface RepositoryView {
  id: number;
  owner: string;
  name: string;
  state: ShownState;
  defaultBranch: string;
  installationId: number;
  /** Ref → object name; only where one repository is asked for. */
  heads?: Record<string, string>;
  /** Refs proven equal to GitHub's later than `lastProvenAt`, and when; only where one repository is asked for. */
  headsProvenAt?: Record<string, string>;
  /** The newest first; only where one repository is asked for. */
  kept?: KeptView[];
  holds?: HoldView[];
  /** When its mirror was last packed, pruned and checked, and what is due; only where one is asked for. */
  maintenance?: MaintenanceView;
  /** Only where one repository is asked for, and CHECKOUTS has it. */
  checkouts?: CheckoutView[];
  queued: boolean;
  running: boolean;
  lastRefreshAt: string | null;
  lastFullAt: string | null;
  lastProvenAt: string | null;
  pausedAt: string | null;
  /** Since when GitHub no longer shows it, and when its mirror is deleted. */
  goneAt: string | null;
  retiresAt: string | null;
  /** From the last push to its refresh, in milliseconds. */
  lagMs: number | null;
  pushedAt: string | null;
  lastError: { code: string; message: string; hint: string; at: string; attempt: number } | null;
}

/** A published working tree. */
export interface CheckoutView {
  ref: string;
  /** Of the link that readers resolve. */
  path: string;
  /** What is published; null: nothing is. */
  commit: string | null;
  publishedAt: string | null;
  /** What should be published; null: the ref leads to no commit. */
  wanted: string | null;
  /** Why `wanted` is not published. */
  veto: { reason: string; output: string; at: string } | null;
}

export type SettledOutcome = { ok: true } | { ok: false; code: string; hint: string } | "timeout";

export interface MaintenanceView {
  tidiedAt: string | null;
  prunedAt: string | null;
  checkedAt: string | null;
  due: string[];
  running: string | null;
}
