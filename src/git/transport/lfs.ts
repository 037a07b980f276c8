import { downloadObject } from "./lfs/download.js";
import { locateObjects } from "./lfs/locate.js";
import type { LfsDownload, LfsObject } from "./lfs/objects.js";
import type { Target, Upstream } from "./upstream.js";

export type { LfsDownload, LfsObject } from "./lfs/objects.js";

/** Git LFS at GitHub: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export interface Lfs {
  /** @throws RefreshError `lfs_missing` when one of them cannot be had */
  locate(target: Target, objects: LfsObject[], signal: AbortSignal): Promise<LfsDownload[]>;
  /** Writes it to a file that must not be there. @throws RefreshError `lfs_unsound` when it is another one */
  download(from: LfsDownload, file: string, signal: AbortSignal): Promise<void>;
}

/** @param origin GitHub's, such as https://github.com */
export function createLfs(upstream: Upstream, origin: string): Lfs {
  return {
    locate: (target, objects, signal) => locateObjects({ upstream, origin }, target, objects, signal),
    download: (from, file, signal) => downloadObject(upstream, from, file, signal),
  };
}
