import type { LfsObject } from "../../git/transport/lfs.js";
import type { Target } from "../../git/transport/upstream.js";
import type { ContentStore, Graft } from "../../git/tree/content-store.js";
import { describeUnreadable, type Pointer, type Scan } from "../../git/tree/lfs-pointers.js";
import { quotedBelow } from "../../git/tree/verbatim.js";
import { NO_TOTALS, requireWithin, type TreeBudget } from "../budget.js";
import { type DownloadTools, downloadObjects } from "./download.js";
import { type Inventory, readInventory, sumOfSizes, weigh, writeInventory } from "./inventory.js";

export interface LfsTools extends DownloadTools {
  budget: TreeBudget;
  /** @param largest the size of the largest file, in bytes @throws RefreshError `disk_low` */
  requireSpace(bytes: number, largest: string): void;
}

/** One repository's part of a published tree. */
interface Part {
  parent: Target;
  tree: string;
  /** Only these paths are published; an empty list means all. */
  paths: string[];
  /** The path of the part in the published tree. */
  prefix: string;
}

/** For one part: which objects replace which pointers, and which files are not converted. */
interface Files {
  grafts: Graft[];
  oids: string[];
  /** Paths in the published tree, quoted as git prints them. */
  verbatim: string[];
  /** Says for people which files look like pointers and stay as they are. */
  notes: string[];
  bytes: number;
}

interface Job {
  store: ContentStore;
  signal: AbortSignal;
}

/** A client sends at most 100 objects: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
const BATCH = 100;
/** The factor counts two copies: one in the content store, one in a tree. */
const COPIES = 2;
const MIN_STRAY = 16 * 1024 * 1024;

/** Replaces pointers of Git LFS with their files. */
export function createLfsFiles(tools: LfsTools) {
  return {
    /**
     * Downloads the files of one part into the store. @throws RefreshError that names the file that is not
     * available
     */
    fetch: (job: Job, part: Part): Promise<Files> => fetchFiles(tools, job, part),
    isDue,
    tidied,
  };
}

export type LfsFiles = ReturnType<typeof createLfsFiles>;

async function fetchFiles(tools: LfsTools, job: Job, part: Part): Promise<Files> {
  const { store } = job;
  const { prefix } = part;
  const inventory = readInventory(store.dir);
  const { scan, isNew } = await findPointers(inventory, store, part);
  const bytes = sumOfSizes(scan.pointers);
  requireWithin(tools.budget, { ...NO_TOTALS, bytes });
  const absent = scan.pointers.filter(({ oid }) => inventory.objects[oid] === undefined);
  const wanted = [...new Map(absent.map((one) => [one.oid, objectOf(one, prefix)])).values()];
  await download(tools, job, part.parent, inventory, wanted);
  if (isNew) await writeInventory(store.dir, inventory);
  const { objects } = inventory;
  const grafts = scan.pointers.map(({ path, mode, oid }) => ({ path, mode, sha: objects[oid]!.sha }));
  // Attributes above a submodule apply in the published tree, but were not part of the question to git.
  const exempt = scan.pointers.filter(({ isConverted }) => isConverted || prefix !== "");
  const verbatim = exempt.map(({ path }) => quotedBelow(prefix, path));
  const notes = scan.unreadable.map((one) => describeUnreadable(one, prefix));
  return { grafts, oids: scan.pointers.map(({ oid }) => oid), verbatim, notes, bytes };
}

/** Adds the scan to the inventory. @returns whether the scan differs from the stored one */
async function findPointers(
  inventory: Inventory,
  store: ContentStore,
  { tree, paths, prefix }: Part,
): Promise<{ scan: Scan; isNew: boolean }> {
  const key = JSON.stringify([prefix, paths]);
  const known = inventory.scans[key] ?? null;
  const isThere = known !== null && (await store.present([known.tree])).size === 1;
  const scan = known?.tree === tree ? known : await store.pointers(tree, paths, isThere ? known : null);
  inventory.scans[key] = scan;
  return { scan, isNew: scan !== known };
}

/** Each batch is recorded when it arrives, so a later failure loses no download. */
async function download(
  tools: LfsTools,
  { store, signal }: Job,
  from: Target,
  inventory: Inventory,
  wanted: LfsObject[],
): Promise<void> {
  const [largest] = [...wanted].sort((a, b) => b.size - a.size);
  if (largest) tools.requireSpace(COPIES * sumOfSizes(wanted), `${largest.label} of ${largest.size} bytes`);
  for (let n = 0; n < wanted.length; n += BATCH) {
    const batch = wanted.slice(n, n + BATCH);
    const shas = await downloadObjects(tools, store, from, batch, signal);
    for (const [index, { oid, size }] of batch.entries())
      inventory.objects[oid] = { sha: shas[index]!, size };
    await writeInventory(store.dir, inventory);
  }
}

/** Whether unneeded files take so much room that they should be dropped. */
function isDue(dir: string, oids: string[]): boolean {
  const inventory = readInventory(dir);
  const { stray, needed } = weigh(inventory, oids);
  return stray > inventory.left + Math.max(needed / 2, MIN_STRAY);
}

/** Forgets the entries of objects that the store has dropped because no tree uses them. */
async function tidied(store: ContentStore, oids: string[]): Promise<void> {
  const inventory = readInventory(store.dir);
  const entries = Object.entries(inventory.objects);
  const present = await store.present(entries.map(([, { sha }]) => sha));
  inventory.objects = Object.fromEntries(entries.filter(([, { sha }]) => present.has(sha)));
  inventory.left = weigh(inventory, oids).stray;
  await writeInventory(store.dir, inventory);
}

const objectOf = ({ oid, size, path }: Pointer, prefix: string): LfsObject => ({
  oid,
  size,
  label: `the LFS file ${prefix}${path} (${oid})`,
});
