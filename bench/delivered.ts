import { readlinkSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import { mirrorPath, waitForTip } from "../tools/mirror.js";
import { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { median } from "../tools/stats.js";

/** The time-out is enough for the first clone and the first tree. */
const READY_TIMEOUT_MS = 300_000;
/**
 * The grace is short, so that trees are updated in place, as when pushes come further apart than the grace.
 */
const GRACE = "50ms";

/** Returns milliseconds from the sending of a delivery: medians over the pushes. */
export async function delivered(dir: string, files: number, pushes: number, outer: Releasers) {
  const own = new Releasers();
  outer.add(() => own.release());
  try {
    return await measure(dir, files, pushes, own);
  } finally {
    await own.release();
  }
}

async function measure(dataDir: string, files: number, pushes: number, releasers: Releasers) {
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  standin.strictClock = true;
  const repo = await standin.createRepository("octo-org", "upstream");
  const paths = Array.from({ length: files }, (_, n) => `dir-${Math.floor(n / 50)}/file-${n}`);
  await standin.commit(repo, "main", { files: Object.fromEntries(paths.map((path) => [path, `${path}\n`])) });
  const env = { INTERVAL: "off", CHECKOUTS: "octo-org/*", CHECKOUT_GRACE: GRACE };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  await lockstep.waitForLog((line) => line.event === "published", READY_TIMEOUT_MS);
  await lockstep.waitForLog((line) => line.event === "refreshed", READY_TIMEOUT_MS);
  return timed({ standin, repo, lockstep, dataDir }, pushes, (n) => paths[(n * 7919) % files]!);
}

interface Running {
  standin: StandIn;
  repo: Repo;
  lockstep: Lockstep;
  dataDir: string;
}

/** @param pathOf the file that push `n` changes */
export async function timed(running: Running, pushes: number, pathOf: (n: number) => string) {
  const { standin, repo, lockstep, dataDir } = running;
  const mirror = mirrorPath(dataDir, repo.owner, repo.name);
  const link = join(dataDir, "checkouts", repo.owner, repo.name);
  const mirrorMs: number[] = [];
  const treeMs: number[] = [];
  for (let n = 0; n < pushes + 3; n++) {
    for (let ticks = 0; ticks < 2; ticks++) standin.world.tick();
    const push = await standin.commit(repo, "main", { files: { [pathOf(n)]: `${n}\n` } });
    const [inMirror, inTree, sent] = await Promise.all([
      waitForTip(mirror, push.ref, push.after),
      linkMoved(link),
      standin.deliver(push, { to: lockstep.webhookUrl }),
    ]);
    await lockstep.waitForLog((line) => line.event === "refreshed" && line.deliveryId === sent.id);
    // From the third push on, both trees of the pool exist.
    if (n < 3) continue;
    mirrorMs.push(inMirror - sent.sentAt);
    treeMs.push(inTree - sent.sentAt);
  }
  return { mirrorMs: median(mirrorMs), treeMs: median(treeMs) };
}

/** @returns performance.now() as soon as the link leads to another path */
function linkMoved(link: string): Promise<number> {
  const before = readlinkSync(link);
  return new Promise((resolve) => {
    const look = () => {
      if (readlinkSync(link) === before) return;
      const at = performance.now();
      watcher.close();
      resolve(at);
    };
    const watcher = watch(dirname(link), look);
  });
}
