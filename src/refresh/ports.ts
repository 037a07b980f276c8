import type { Outbox } from "../announce/outbox.js";
import type { RepositoryName, Trigger } from "../base/model.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Lend, Write } from "../git/mirror/writers.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Bringer } from "./bring.js";
import type { Guard } from "./guard.js";
import type { RefusedRefs } from "./refused-refs.js";
import type { TakeOver } from "./take-over.js";

/** What a refresh needs. */
export interface SyncerPorts {
  registry: Registry;
  mirrors: Mirrors;
  gateway: Gateway;
  bring: Bringer;
  guard: Guard;
  refusedRefs: RefusedRefs;
  outbox: Outbox;
  /** Writes everything in the callback, or nothing. */
  transaction<T>(fn: () => T): T;
  /** Does the same, but a power cut may undo it. */
  unsynced<T>(fn: () => T): T;
  /** Asks GitHub about the repository by its id. Null: the repository is no longer managed. */
  reconcile(id: number): Promise<ManagedRepository | null>;
  /**
   * Asks the same of a repository that has just been cloned for the first time, and may wait meanwhile to ask about several
   * at once.
   */
  reconcileCloned(id: number, signal: AbortSignal): Promise<ManagedRepository | null>;
  /** Asks the same of a repository that is to be cloned, whose name GitHub reported too long ago. */
  renewName(id: number): Promise<ManagedRepository | null>;
  /** Whether the repository's removal waits for an operator's confirmation. */
  isHeld(id: number): boolean;
  /** Checks the free space before anything is cloned. @throws RefreshError `disk_low` */
  requireSpace(): void;
  hasSpace(): boolean;
  /** Takes repositories over from other nodes; null: this Lockstep is alone. */
  takeOver: Pick<TakeOver, "isOutdated" | "mirror"> | null;
  link(id: number, name: RepositoryName): void;
  /** Refreshes of one repository, and what else writes to its mirror, run one at a time. */
  write: Write;
  lend: Lend;
  /** Requests a publish of the repository's trees, if it has any; the request is on disk with the transaction. */
  requestPublish(repository: ManagedRepository, trigger: Trigger): void;
  /** Announces the outbox's changes; the events are on disk with the surrounding transaction. */
  announce(repository: ManagedRepository, trigger: Trigger): void;
  /** Maintenance of the mirrors gives way to a refresh. */
  upkeep: {
    /** @returns whether any maintenance that ran in the mirror was ended */
    yieldToRefresh(id: number, options?: { all?: boolean }): Promise<boolean>;
  };
  now(): number;
  /** Called with what the refresh has fetched from GitHub. */
  onFetched(stats: { requests: number; bytes: number }): void;
  onProgress(repository: ManagedRepository, line: string): void;
}
