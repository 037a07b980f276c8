import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import { asRefreshError, RefreshError } from "../base/errors.js";
import type { Lfs, LfsDownload, LfsObject } from "../git/transport/lfs.js";
import type { Target } from "../git/transport/upstream.js";
import type { ContentStore, Graft } from "../git/tree/content-store.js";
import type { Pointer, Scan } from "../git/tree/lfs-pointers.js";
import { quotedBelow } from "../git/tree/verbatim.js";

export interface LfsTools {
  lfs: Lfs;
  /** @param largest what needs the most of them @throws RefreshError `disk_low` */
  requireSpace(bytes: number, largest: string): void;
  timeoutMs: number;
}

/** One repository's part of what is published. */
interface Part {
  parent: Target;
  tree: string;
  /** Only these; none: all. */
  paths: string[];
  /** Where in the published tree it is. */
  prefix: string;
}

/** Of one part: what takes the place of what, and which files are not converted. */
interface Files {
  grafts: Graft[];
  oids: string[];
  /** In the published tree, quoted as git prints them. */
  verbatim: string[];
}

/** What a content store has of LFS; a file in it, so that it goes with it. */
interface Inventory {
  /** Scans of another version are made anew. */
  version?: number;
  /** By SHA-256: the git object with the same content. */
  objects: Record<string, { sha: string; size: number }>;
  scans: Record<string, Scan>;
  /** Bytes that were needed no more, but still held by a tree, when it was last tidied. */
  left: number;
}

/** Git LFS's own default. */
const AT_A_TIME = 8;
/** https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md: clients send at most 100 */
const BATCH = 100;
/** In the content store, and in a tree. */
const COPIES = 2;
const VERSION = 2;
const MIN_STRAY = 16 * 1024 * 1024;

/** Files of Git LFS in the place of their pointers. */
export function createLfsFiles({ lfs, requireSpace, timeoutMs }: LfsTools) {
  async function bring(
    { store, signal }: { store: ContentStore; signal: AbortSignal },
    { parent, tree, paths, prefix }: Part,
  ): Promise<Files> {
    const inventory = read(store.dir);
    const key = JSON.stringify([prefix, paths]);
    const known = inventory.scans[key] ?? null;
    const there = known && (await store.present([known.tree])).size === 1;
    const scan = known?.tree === tree ? known : await store.pointers(tree, paths, there ? known : null);
    inventory.scans[key] = scan;
    const absent = scan.pointers.filter(({ oid }) => inventory.objects[oid] === undefined);
    const wanted = [...new Map(absent.map((one) => [one.oid, objectOf(one, prefix)])).values()];
    const [largest] = [...wanted].sort((a, b) => b.size - a.size);
    if (largest) requireSpace(COPIES * sum(wanted), `${largest.label} of ${largest.size} bytes`);
    for (let n = 0; n < wanted.length; n += BATCH) {
      const group = wanted.slice(n, n + BATCH);
      const shas = await inTime(signal, (within) => fetchGroup(store, parent, group, within));
      for (const [index, { oid, size }] of group.entries())
        inventory.objects[oid] = { sha: shas[index]!, size };
      write(store.dir, inventory);
    }
    if (scan !== known) write(store.dir, inventory);
    const { objects } = inventory;
    const grafts = scan.pointers.map(({ path, mode, oid }) => ({ path, mode, sha: objects[oid]!.sha }));
    // Attributes above a submodule are the published tree's too, and were not asked.
    const exempt = scan.pointers.filter(({ isConverted }) => isConverted || prefix !== "");
    const verbatim = exempt.map(({ path }) => quotedBelow(prefix, path));
    return { grafts, oids: scan.pointers.map(({ oid }) => oid), verbatim };
  }

  async function fetchGroup(store: ContentStore, from: Target, group: LfsObject[], signal: AbortSignal) {
    const incoming = join(store.dir, "incoming");
    rmSync(incoming, { recursive: true, force: true });
    mkdirSync(incoming, { mode: 0o750 });
    try {
      const found = await lfs.locate(from, group, signal);
      await downloadAll(found, incoming, signal);
      return await store.takeIn(group.map(({ oid }) => join(incoming, oid)));
    } finally {
      rmSync(incoming, { recursive: true, force: true });
    }
  }

  async function downloadAll(found: LfsDownload[], into: string, signal: AbortSignal): Promise<void> {
    const queue = new PQueue({ concurrency: AT_A_TIME });
    const end = new AbortController();
    const within = AbortSignal.any([signal, end.signal]);
    try {
      await queue.addAll(found.map((one) => () => lfs.download(one, join(into, one.oid), within)));
    } catch (error) {
      queue.clear();
      end.abort();
      await queue.onIdle();
      throw error;
    }
  }

  async function inTime<T>(signal: AbortSignal, act: (within: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      return await act(AbortSignal.any([signal, deadline]));
    } catch (error) {
      if (signal.aborted) throw new RefreshError("cancelled", "downloads of Git LFS were cancelled");
      if (deadline.aborted) throw new RefreshError("timeout", `Git LFS took longer than ${timeoutMs} ms`);
      throw asRefreshError(error);
    }
  }

  return {
    bring,
    /** Whether what is needed no more takes so much room that it is to be dropped. */
    isDue(dir: string, oids: string[]): boolean {
      const inventory = read(dir);
      const { stray, needed } = weigh(inventory, oids);
      return stray > inventory.left + Math.max(needed / 2, MIN_STRAY);
    },
    async tidied(store: ContentStore, oids: string[]): Promise<void> {
      const inventory = read(store.dir);
      const entries = Object.entries(inventory.objects);
      const present = await store.present(entries.map(([, { sha }]) => sha));
      inventory.objects = Object.fromEntries(entries.filter(([, { sha }]) => present.has(sha)));
      inventory.left = weigh(inventory, oids).stray;
      write(store.dir, inventory);
    },
  };
}

export type LfsFiles = ReturnType<typeof createLfsFiles>;

const objectOf = ({ oid, size, path }: Pointer, prefix: string): LfsObject => ({
  ...{ oid, size },
  label: `the LFS file ${prefix}${path} (${oid})`,
});

const sum = (objects: { size: number }[]) => objects.reduce((total, { size }) => total + size, 0);

function weigh({ objects }: Inventory, oids: string[]): { needed: number; stray: number } {
  const wanted = new Set(oids);
  const needed = sum(Object.entries(objects).flatMap(([oid, one]) => (wanted.has(oid) ? [one] : [])));
  return { needed, stray: sum(Object.values(objects)) - needed };
}

function read(dir: string): Inventory {
  try {
    const found = JSON.parse(readFileSync(join(dir, "lfs.json"), "utf8")) as Inventory;
    return found.version === VERSION ? found : { ...found, version: VERSION, scans: {} };
  } catch {
    return { version: VERSION, objects: {}, scans: {}, left: 0 };
  }
}

function write(dir: string, inventory: Inventory): void {
  writeFileSync(join(dir, "lfs.new"), JSON.stringify(inventory));
  renameSync(join(dir, "lfs.new"), join(dir, "lfs.json"));
}
