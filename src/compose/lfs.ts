import type { Log } from "../base/log.js";
import { fullNameOrId } from "../base/names.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { extentOf } from "../git/disk/layout.js";
import { objectFiles } from "../lfs/files.js";
import { createKeeper } from "../lfs/keeper.js";
import { createLfsRecords } from "../lfs/records.js";
import type { Syncer } from "../syncer.js";
import type { Ground } from "./ground.js";
import type { Records } from "./records.js";

type Settings = Pick<Config, "keepsLfs" | "cloneTimeoutMs">;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  syncer: Pick<Syncer, "onMoved">;
  releasers: Releasers;
}

export type KeptLfs = NonNullable<ReturnType<typeof keepLfs>>;

/** What failed, such as for want of space, is tried again after this time. */
const RETRY_MS = 10 * 60_000;

/** Builds what keeps objects of Git LFS with the mirrors. @returns null: LFS is not set */
export function keepLfs({ keepsLfs, cloneTimeoutMs }: Settings, needs: Needs) {
  if (!keepsLfs) return null;
  const { log, ground, syncer, releasers } = needs;
  const { registry, layout, disk, hasMirror } = needs.records;
  const records = createLfsRecords(ground.store);
  const keeper = createKeeper({
    git: ground.git,
    streamGit: ground.streamGit,
    lfs: ground.gateway.lfs,
    layout,
    records,
    requireSpace: disk.requireSpace,
    hasRoom: () => disk.hasRoom("refresh"),
    timeoutMs: cloneTimeoutMs,
    now: Date.now,
    repositoryIds: registry.ids,
    refreshedAt: (id) => registry.get(id)?.refreshedAt ?? null,
    nameOf: (id) => fullNameOrId(registry.get(id), id),
    isWhole: (id) => hasMirror(id) && extentOf(layout.mirror(id)).filter === null,
    targetOf(id) {
      const found = registry.managed(id);
      const isFollowed = found && found.state !== "suspended" && found.pausedAt === null;
      return isFollowed ? found : null;
    },
    log,
  });
  syncer.onMoved((id) => keeper.changed(id));
  const retries = setInterval(keeper.retry, RETRY_MS).unref();
  releasers.add("retries of Git LFS", () => clearInterval(retries));
  releasers.add("objects of Git LFS", keeper.stop);
  return {
    ...keeper,
    state: records.state,
    missing: records.missing,
    /** The objects as they are served. */
    served: {
      sizeOf: records.sizeOf,
      async open(id: number, oid: string) {
        try {
          return await objectFiles(layout, id).open(oid);
        } catch (error) {
          records.lost(id, oid);
          keeper.changed(id);
          throw error;
        }
      },
    },
  };
}
