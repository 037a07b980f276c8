import { dropOldest } from "../base/drop-oldest.js";
import { extentOf, isCondemned, type Layout, linkTarget, ownership } from "../git/disk/layout.js";
import type { StreamGit } from "../git/run/stream.js";
import type { ServedMirror } from "./from-mirror.js";
import { readShown, type Shown } from "./shown.js";

export interface MirrorPorts {
  layout: Layout;
  streamGit: StreamGit;
  /**
   * Finds a repository that is managed, and that an operator has not paused. `provenAt` is when GitHub's refs were last
   * found to be the mirror's, in milliseconds since 1970; null: not known.
   */
  find(repositoryId: number): { provenAt: number | null } | null;
  /** A number that two calls have in common only if the mirror's refs have not changed. */
  generation(repositoryId: number): number;
}

export interface ServedMirrors {
  /** @returns null: the repository has no whole and sound mirror that is kept in step */
  open(repositoryId: number): ServedMirror | null;
  /** Reads what readers see, once for all who ask before the refs change. @throws GitFailure */
  readShown(mirror: ServedMirror): Promise<Shown>;
}

/** The lists of refs that are kept: each may have 50,000 refs. */
const MAX_KEPT = 8;

export function createServedMirrors(ports: MirrorPorts): ServedMirrors {
  const { layout, streamGit, generation } = ports;
  const kept = new Map<string, Promise<Shown>>();

  return {
    open(id) {
      const place = layout.mirror(id);
      const found = ports.find(id);
      if (found === null || ownership(place, id) !== "ours" || isCondemned(place)) return null;
      const dir = linkTarget(place);
      if (dir === null) return null;
      const { depth, filter } = extentOf(dir);
      if (depth !== null || filter !== null) return null;
      return { id, dir, provenAt: found.provenAt };
    },
    readShown(mirror) {
      const key = `${mirror.dir} ${generation(mirror.id)}`;
      const shown = kept.get(key) ?? readShown(streamGit, mirror);
      kept.delete(key);
      kept.set(key, shown);
      shown.catch(() => kept.delete(key));
      dropOldest(kept, MAX_KEPT);
      return shown;
    },
  };
}
