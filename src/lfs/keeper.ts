import PQueue from "p-queue";
import { asRefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { nextTurn } from "../base/slices.js";
import type { Layout } from "../git/disk/layout.js";
import { type DownloadPorts, downloadDue } from "./download.js";
import { objectFiles } from "./files.js";
import type { LfsRecords } from "./records.js";
import { type ScanPorts, scanMirror } from "./scan.js";

export type KeeperPorts = ScanPorts &
  DownloadPorts & {
    layout: Pick<Layout, "mirror" | "repository">;
    records: LfsRecords;
    repositoryIds(): number[];
    /** The full name, for the log. */
    nameOf(id: number): string;
    /** Whether the mirror is there, has every content, and may be read now. */
    isWhole(id: number): boolean;
    hasRoom(): boolean;
    /** When the mirror was last refreshed, in milliseconds since 1970; null: never. */
    refreshedAt(id: number): number | null;
    log: Pick<Log, "info" | "warn">;
  };

/** Keeps the objects of Git LFS that the mirrors' refs name, behind the refreshes. */
export interface Keeper {
  /** Says that refs of a mirror have changed. */
  changed(id: number): void;
  /** Looks at every repository that was refreshed since it was last looked at, as after a start. */
  pass(): Promise<void>;
  /** Asks again for what is due. */
  retry(): void;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** One large repository does not keep the others waiting. */
const AT_A_TIME = 2;
const NO_ROOM = "disk_full";
const LOOKED_AT_TOGETHER = 100;
/** Stopping does not wait longer for a download or a git that does not end. */
const STOP_MS = 5_000;

export function createKeeper(ports: KeeperPorts): Keeper {
  const queue = new PQueue({ concurrency: AT_A_TIME });
  const waiting = new Set<number>();
  const running = new Set<number>();
  /** Repositories that changed while they were worked on. */
  const again = new Set<number>();
  /** The code of each repository's last failure, which is not told twice in a row; that the disk is full others tell. */
  const failing = new Map<number, string>();
  const stopping = new AbortController();
  const { signal } = stopping;

  function enqueue(id: number): void {
    if (signal.aborted || waiting.has(id)) return;
    if (running.has(id)) return void again.add(id);
    waiting.add(id);
    void queue.add(() => work(id));
  }

  async function work(id: number): Promise<void> {
    waiting.delete(id);
    if (signal.aborted) return;
    running.add(id);
    try {
      if (await keep(ports, id, signal)) failing.delete(id);
      else failing.set(id, NO_ROOM);
    } catch (error) {
      if (!signal.aborted) tell(id, error);
    } finally {
      running.delete(id);
      if (again.delete(id)) enqueue(id);
    }
  }

  function tell(id: number, error: unknown): void {
    const { code, message: reason, hint } = asRefreshError(error);
    if (failing.get(id) === code) return;
    failing.set(id, code);
    ports.log.warn(
      { event: "lfs_not_kept", repository: ports.nameOf(id), code, reason, hint },
      "objects of Git LFS could not be kept; Lockstep tries again",
    );
  }

  return {
    changed: enqueue,
    async pass() {
      for (const [n, id] of ports.repositoryIds().entries()) {
        if (signal.aborted) return;
        const scan = ports.records.scan(id);
        if (!scan || (ports.refreshedAt(id) ?? 0) >= scan.scannedAt) enqueue(id);
        if (n % LOOKED_AT_TOGETHER === 0) await nextTurn();
      }
    },
    retry() {
      for (const id of new Set([...ports.records.withDue(ports.now()), ...failing.keys()])) enqueue(id);
    },
    idle: () => queue.onIdle(),
    async stop() {
      stopping.abort();
      queue.clear();
      const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([queue.onIdle(), patience]);
    },
  };
}

/** @returns false: the disk has no room for it now @throws RefreshError */
async function keep(ports: KeeperPorts, id: number, signal: AbortSignal): Promise<boolean> {
  if (ports.targetOf(id) === null || !ports.isWhole(id)) return true;
  if (!ports.hasRoom()) return false;
  const files = objectFiles(ports.layout, id);
  await files.prepare();
  await files.clear();
  await scanMirror(ports, id, files, signal);
  const count = await downloadDue(ports, id, files, signal);
  if (count === 0) return true;
  const { objects, bytes, missing } = ports.records.state(id);
  ports.log.info(
    { event: "lfs_kept", repository: ports.nameOf(id), downloaded: count, objects, bytes, missing },
    "objects of Git LFS are kept",
  );
  return true;
}
