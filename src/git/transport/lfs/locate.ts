import { asRefreshError, RefreshError } from "../../../base/errors.js";
import { fullName } from "../../../base/names.js";
import type { Target } from "../upstream.js";
import { askBatch, type LfsServer } from "./batch.js";
import type { LfsDownload, LfsObject } from "./objects.js";
import { missingIfRefused } from "./refused.js";

/**
 * Asks GitHub, as the App, where objects are at present.
 * @returns the locations in the same order
 * @throws RefreshError `lfs_missing` when GitHub does not have one of the objects
 */
export async function locateObjects(
  server: LfsServer,
  target: Target,
  objects: LfsObject[],
  signal: AbortSignal,
): Promise<LfsDownload[]> {
  const byOid = await askBatch(server, target, { objects, authorization: null, signal }).catch(
    (error: unknown) => {
      throw missingIfRefused(asRefreshError(error), `Git LFS of ${fullName(target)}`);
    },
  );
  return objects.map((object) => {
    const { download, error } = byOid.get(object.oid) ?? {};
    if (download) return { ...object, href: download.href, header: download.header ?? {} };
    const why = error ? `: ${error.code} ${error.message.slice(0, 200)}` : "";
    throw new RefreshError("lfs_missing", `GitHub does not give ${object.label}${why}`);
  });
}
