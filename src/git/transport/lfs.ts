import type { Readable } from "node:stream";
import { askBatch, type LfsQuestion } from "./lfs/batch.js";
import { downloadObject, openObject } from "./lfs/download.js";
import { locateObjects } from "./lfs/locate.js";
import type { LfsDownload, LfsLocation, LfsObject } from "./lfs/objects.js";
import type { Target, Upstream } from "./upstream.js";

export type { LfsQuestion } from "./lfs/batch.js";
export type { LfsDownload, LfsLocation, LfsObject } from "./lfs/objects.js";

/** Git LFS at GitHub: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export interface Lfs {
  /** @throws RefreshError `lfs_missing` when GitHub does not have one of the objects */
  locate(target: Target, objects: LfsObject[], signal: AbortSignal): Promise<LfsDownload[]>;
  /**
   * Writes an object to a file that must not exist. @throws RefreshError `lfs_unsound` when the content is
   * wrong
   */
  download(from: LfsDownload, file: string, signal: AbortSignal): Promise<void>;
  /** Asks for somebody who reads from here. @returns what GitHub says, by the object's id @throws RefreshError */
  ask(target: Target, question: LfsQuestion): Promise<Map<string, LfsLocation>>;
  /** Opens the content of one object, which nobody has checked. @throws RefreshError */
  open(from: Pick<LfsDownload, "href" | "header" | "label">, signal: AbortSignal): Promise<Readable>;
}

/** @param origin GitHub's origin, such as https://github.com */
export function createLfs(upstream: Upstream, origin: string): Lfs {
  return {
    locate: (target, objects, signal) => locateObjects({ upstream, origin }, target, objects, signal),
    download: (from, file, signal) => downloadObject(upstream, from, file, signal),
    ask: (target, question) => askBatch({ upstream, origin }, target, question),
    open: (from, signal) => openObject(upstream, from, signal),
  };
}
