import { asRefreshError } from "../base/errors.js";
import type { TreeOptions } from "../config/checkouts.js";
import { extentOf } from "../git/disk/layout.js";
import { blobsChanged, blobsOf, missingOf, type Blobs as Needed } from "../git/mirror/blobs.js";
import { withAttributes } from "../git/tree/lfs-pointers.js";
import { type BlobsCall, type BlobTools, fetchContents, type Refused } from "./fetch-contents.js";
import { dropNote, noteOf, readNote, writeNote } from "./fetched-note.js";

export type { BlobsCall } from "./fetch-contents.js";

/** Fetches contents of files that a partial mirror lacks until they are published. */
export function createBlobs(tools: BlobTools) {
  const refused: Refused = new Map();
  return {
    /** Makes sure that all contents of the tree are in the mirror. A full mirror needs nothing. */
    fetch: (call: BlobsCall): Promise<void> => fetchMissing(tools, refused, call),
    /** Whether missing contents may have caused the failure. */
    mayLack: (id: number, error: unknown): boolean => mayLack(tools, id, error),
    forget: (id: number, slug: string): void => dropNote(noteOf(tools.layout, id, slug)),
    /**
     * Discards the note of fetched contents where a new fetch may repair the failure. @returns whether to
     * retry
     */
    recover(error: unknown, { repository: { id }, slug, signal }: BlobsCall): boolean {
      if (signal.aborted || !mayLack(tools, id, error)) return false;
      dropNote(noteOf(tools.layout, id, slug));
      return true;
    },
  };
}

export type Blobs = ReturnType<typeof createBlobs>;

async function fetchMissing(tools: BlobTools, refused: Refused, call: BlobsCall): Promise<void> {
  const { repository, slug, commit, options } = call;
  if (!isPartial(tools, repository.id)) return;
  const paths = pathsOf(options);
  const { all, silent } = await findNeeded(tools, call, paths);
  const needed = new Set([...all, ...Object.values(silent)]);
  const missing = await missingOf(tools.git, placeOf(tools, call), [...needed]);
  const { id } = repository;
  if (missing.length > 0)
    await tools.write(id, call.signal, () => fetchContents(tools, refused, call, missing));
  await writeNote(noteOf(tools.layout, repository.id, slug), { commit, paths, silent });
}

/** Lists the objects of the tree that the mirror may lack. */
async function findNeeded(tools: BlobTools, call: BlobsCall, paths: string[]): Promise<Needed> {
  const { git, layout } = tools;
  const place = placeOf(tools, call);
  const before = readNote(noteOf(layout, call.repository.id, call.slug));
  if (before && JSON.stringify(before.paths) === JSON.stringify(paths)) {
    try {
      return await blobsChanged(git, place, [before.commit, call.commit], paths, before.silent);
    } catch {
      call.signal.throwIfAborted(); // the noted commit is no longer in the mirror
    }
  }
  return blobsOf(git, place, call.commit, paths);
}

const placeOf = ({ layout, timeoutMs }: BlobTools, { repository, signal }: BlobsCall) => ({
  gitDir: layout.mirror(repository.id),
  timeoutMs,
  signal,
});

const isPartial = ({ layout }: BlobTools, id: number): boolean => extentOf(layout.mirror(id)).filter !== null;

const mayLack = (tools: BlobTools, id: number, error: unknown): boolean =>
  asRefreshError(error).retry.kind === "rebuild" && isPartial(tools, id);

/**
 * Lists the paths to read, with .gitattributes and .gitmodules, which decide conversion and submodules. No
 * paths means all.
 */
function pathsOf({ paths, submodules }: TreeOptions): string[] {
  if (paths.length === 0) return [];
  return withAttributes([...paths, ...(submodules === "no" ? [] : [".gitmodules"])]);
}
