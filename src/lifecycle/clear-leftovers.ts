import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { nextTurn } from "../base/slices.js";
import { clearLeftovers } from "../git/disk/heal.js";
import { emptyTrash, type Layout } from "../git/disk/layout.js";

export interface ClearPorts {
  layout: Layout;
  /** Whether the mirror has no leftovers that are not cleared yet. */
  trusts(id: number): boolean;
  /** Clears the leftovers of a mirror. */
  ensure(id: number): Promise<boolean>;
  /** Whether a refresh of the repository, or a publish, could not be ended in time; it is cleared later. */
  isBusy(id: number): boolean;
  /** Runs one writer of a mirror at a time. */
  write<T>(id: number, signal: AbortSignal, act: () => Promise<T>): Promise<T>;
  /** Called with what could not be cleared; the rest is cleared all the same. */
  onFault(path: string, error: unknown): void;
}

/**
 * Clears what ended work has left: the trash, unfinished clones, scratch directories, temporary packs and locks. Nothing
 * of it needs the database, which a full disk may keep from being written. Never throws.
 * @param published the repositories whose publish was ended; none of them is published until this has ended
 */
export async function clearAllLeftovers(
  ports: ClearPorts,
  published: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const { layout } = ports;
  await emptied(ports);
  for (const id of published.filter((one) => !ports.isBusy(one)))
    await attempt(ports, layout.repository(id), () => clearContents(layout, id));
  const names = await readdir(layout.repositories).catch(() => []);
  for (const id of names.filter((name) => /^\d+$/.test(name)).map(Number)) {
    if (signal.aborted) return;
    if (ports.trusts(id) || ports.isBusy(id)) continue;
    await attempt(ports, layout.repository(id), () => ports.write(id, signal, () => ports.ensure(id)));
    await nextTurn();
  }
  await emptied(ports);
}

async function emptied({ layout, onFault }: ClearPorts): Promise<void> {
  for (const { path, error } of await emptyTrash(layout)) onFault(path, error);
}

/** Clears what a publish that was ended has downloaded or fetched in part. */
async function clearContents(layout: Layout, id: number): Promise<void> {
  const trees = join(layout.repository(id), "trees");
  for (const slug of await readdir(trees).catch(() => []))
    await clearLeftovers(join(trees, slug, "content.git"));
}

async function attempt({ onFault }: ClearPorts, path: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    onFault(path, error);
  }
}
