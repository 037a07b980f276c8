import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Write } from "../git/mirror/writers.js";
import { clearAllLeftovers } from "../lifecycle/clear-leftovers.js";
import { fullError, type Work } from "../machine/disk.js";
import { createDiskWatch } from "../machine/disk-watch.js";
import type { Maintenance } from "../maintenance/scheduler.js";
import type { Runner } from "../queue/runner.js";
import type { Watch } from "../watch/monitor.js";
import type { Ground } from "./ground.js";
import type { Records } from "./records.js";

/** A run that hangs, such as in a REST call, does not keep the others' leftovers from being cleared. */
const END_WITHIN_MS = 10_000;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  mirrors: Mirrors;
  write: Write;
  maintenance: Maintenance;
  runner: Runner;
  watch: Watch;
  releasers: Releasers;
}

/** Starts to look at the disk: a full one ends what runs, clears what it leaves, and gives the reserve back. */
export function careForDisk(needs: Needs): void {
  const { log, ground, records, mirrors, write, maintenance, runner, watch } = needs;
  const { disk, reserve } = ground;
  const { layout } = records;
  const stopping = new AbortController();
  // A full disk may have no room for the directory.
  mkdirSync(layout.trash, { recursive: true, mode: 0o750 });

  async function clear(works: Work[]): Promise<void> {
    const published = runner.subjects().flatMap(({ kind, id }) => (kind === "publish" ? [id] : []));
    const endings = works.map((work) => {
      const kind = work === "publish" ? "publish" : "repository";
      const full = disk.fullFor(work);
      return full && runner.end((subject) => subject.kind === kind, fullError(full));
    });
    const ended = Promise.all([...endings, maintenance.yieldToDisk()]);
    await Promise.race([
      ended,
      sleep(END_WITHIN_MS, undefined, { signal: stopping.signal, ref: false }),
    ]).catch(() => {});
    const onFault = (path: string, error: unknown) =>
      log.warn({ event: "space_not_cleared", path, err: error }, "leftovers could not be cleared");
    const { trusts, ensure } = mirrors;
    const isBusy = (id: number) =>
      runner.busy({ kind: "repository", id }) ||
      (works.includes("publish") && runner.busy({ kind: "publish", id }));
    await clearAllLeftovers(
      { layout, trusts, ensure, isBusy, write, onFault },
      works.includes("publish") ? published : [],
      stopping.signal,
    );
  }

  const diskWatch = createDiskWatch({
    disk,
    reserve,
    clear,
    log,
    onRoom() {
      records.queue.roomFound();
      runner.wake();
    },
    onOpen: () => runner.wake(),
    onChange() {
      runner.wake();
      watch.check();
    },
  });
  needs.releasers.add("disk", () => {
    stopping.abort();
    return diskWatch.stop();
  });
  diskWatch.start();
}
