import type { RepositoryName } from "../base/model.js";
import type { RepositoryFilter } from "./lists.js";
import type { RepositoryView } from "./view.js";

/** The order of the page's list. */
export const ORDERS = ["worst", "name", "lag", "pushed", "proven"] as const;
export type Order = (typeof ORDERS)[number];

/** A refresh as the page draws it: good, failed, or one that changed nothing. */
export type Beat = "good" | "bad" | "none";

/** A repository with what the list draws beside it. */
export interface RankedView extends RepositoryView {
  /** The last 30 refreshes, the oldest first, and the lags of those that a push asked for, in milliseconds. */
  beats: Beat[];
  lags: number[];
  /** How many of its refs are held. */
  held: number;
}

export interface RankedQuery extends RepositoryFilter {
  order: Order;
  /** Only repositories with held refs. */
  isHeld: boolean;
  /** Leaves out repositories with held refs. */
  hasNoHolds?: boolean;
  /** The number of the page, from 1. */
  page: number;
  limit: number;
}

export interface RankedPage {
  repositories: RankedView[];
  total: number;
  /** How many of them the pages lead to; undefined: to all. */
  reach?: number;
  /** The nodes of a cluster whose repositories are not there. */
  missing?: string[];
}

/** Something that was done, for a sentence. */
export interface ActivityView {
  id: number;
  at: string;
  repository: string;
  type: "changed" | "cloned" | "published" | "refused";
  /** The number of changed refs. */
  changed: number;
  /** The first changed ref, or the first published or refused one. */
  ref: string | null;
  before: string | null;
  after: string | null;
  /** From the push's delivery to the fresh mirror, in milliseconds; null: no push, or it is not known. */
  lagMs: number | null;
}

/** Calls of the webhook that were refused since the start. */
export interface RefusedView {
  refused: { reason: string; address: string; count: number; lastAt: string }[];
  total: number;
}

/** Where a repository is found. */
export interface PlacesView {
  /** Its address at GitHub. */
  github: string;
  /** The mirror's path on this server. */
  path: string;
  /** Its address for readers over HTTPS; null: mirrors are not served. */
  served: string | null;
}

export interface OverviewPorts {
  refused(): RefusedView;
  places(name: RepositoryName): PlacesView;
  /** Returns the first line of a commit's message; null: it is not known. */
  subject(id: number, sha: string): Promise<string | null>;
  /** Lists repositories by pages in any order; a page costs what its place in the order costs. */
  ranked(query: RankedQuery): RankedPage | Promise<RankedPage>;
  /** Lists what was done last, the newest first. @param id null: of all repositories */
  activity(limit: number, id: number | null): ActivityView[] | Promise<ActivityView[]>;
  /** Lists the last refreshes of one repository as `ranked` does. */
  beats(id: number): Pick<RankedView, "beats" | "lags">;
}
