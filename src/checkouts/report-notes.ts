import type { Log } from "../base/log.js";

/**
 * The API shows notes for as long as the tree is published; the log has them once.
 * @param published the repository, ref and commit
 * @param before the notes of the tree that was published before
 */
export function reportNotes(
  log: Pick<Log, "warn">,
  published: object,
  before: string[],
  notes: string[],
): void {
  if (notes.length === 0 || notes.join() === before.join()) return;
  log.warn(
    { event: "lfs_pointer_unreadable", ...published, notes },
    "files that look like pointers of Git LFS cannot be read; they are published as they are",
  );
}
