import { asRefreshError, explained, RefreshError } from "../base/errors.js";
import { fullName } from "../base/names.js";
import type { Gateway } from "../git/transport/gateway.js";
import type { Target } from "../git/transport/upstream.js";
import type { ContentStore } from "../git/tree/content-store.js";
import type { Submodule } from "../git/tree/gitmodules.js";
import {
  findOrigin,
  followRename,
  labelOf,
  type Origin,
  type OriginTools,
  type Parent,
} from "./submodule-origin.js";

export type { Origin, Parent } from "./submodule-origin.js";

export interface SubmoduleTools extends OriginTools {
  gateway: Pick<Gateway, "open">;
  /** @throws RefreshError `disk_low` */
  requireSpace(): void;
}

/** Decides which repositories a submodule may come from, and fetches its commit. */
export function createSubmodules(tools: SubmoduleTools) {
  return {
    /** @throws RefreshError `submodule_refused` */
    origin: (submodule: Submodule, parent: Parent, root: Target): Origin =>
      findOrigin(tools, { submodule, parent, root }),
    /**
     * Fetches the submodule's commit into the store.
     * @returns the origin under the name that the repository has now
     * @throws RefreshError that names the submodule
     */
    fetch: (store: ContentStore, from: Origin, root: Target): Promise<Origin> =>
      fetchCommit(tools, store, from, root),
    /**
     * @returns the origin under the name that the repository has now; null: the failure does not come from
     * another name
     */
    async follow(error: unknown, from: Origin, root: Target): Promise<Origin | null> {
      const moved = findMoved(asRefreshError(error));
      return moved && followRename(tools, from, root, moved);
    },
  };
}

export type Submodules = ReturnType<typeof createSubmodules>;

async function fetchCommit(
  tools: SubmoduleTools,
  store: ContentStore,
  from: Origin,
  root: Target,
): Promise<Origin> {
  if (store.has(from.submodule.commit)) return from;
  tools.requireSpace();
  const failure = await tryFetch(tools, store, from);
  if (failure === null) return from;
  if (failure.code !== "moved") throw failureOf(failure, from);
  const now = await followRename(tools, from, root, failure);
  const second = await tryFetch(tools, store, now);
  if (second !== null) throw failureOf(second, now);
  return now;
}

/** @returns why the commit could not be fetched; null: it is in the store */
async function tryFetch(
  { gateway }: SubmoduleTools,
  store: ContentStore,
  from: Origin,
): Promise<RefreshError | null> {
  const { commit } = from.submodule;
  if (from.mirror !== null && (await isInMirror(store, commit, from.mirror))) return null;
  const lease = gateway.open(from);
  try {
    await store.fetch(commit, lease);
    return null;
  } catch (error) {
    return asRefreshError(error);
  } finally {
    lease.close();
  }
}

/** GitHub is asked when the mirror is behind or just being replaced. */
const isInMirror = (store: ContentStore, commit: string, mirror: string): Promise<boolean> =>
  store.fetch(commit, mirror).then(
    () => true,
    (error) => {
      if (asRefreshError(error).code === "cancelled") throw error;
      return false;
    },
  );

function failureOf(error: RefreshError, from: Origin): RefreshError {
  const { code } = error;
  const name = fullName(from);
  const what = `${labelOf(from.submodule)} (${name} at ${from.submodule.commit})`;
  if (code === "not_yet")
    return new RefreshError("submodule_missing", `${what}: GitHub has no such commit`, { cause: error });
  if (error.is("notVisible") || (code === "unauthorized" && from.installationId === null)) {
    const how = code === "moved" ? "has a different name at GitHub" : "is not visible to the App";
    return new RefreshError("submodule_refused", `${what}: ${name} ${how}`, { cause: error });
  }
  // The failure holds or delays what needs the submodule, not the repository's own refresh.
  const { resource } = error;
  if (resource?.kind !== "git") return explained(error, what);
  return explained(error, what, { resource: { kind: "submodule", host: resource.host } });
}

/** A question for files of LFS hides that the repository has another name. */
function findMoved(error: RefreshError): RefreshError | null {
  const { cause } = error;
  const isOfLfs = error.code === "lfs_missing" && cause instanceof RefreshError && cause.code === "moved";
  return isOfLfs ? cause : null;
}
