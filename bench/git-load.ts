import { join } from "node:path";
import type { Lockstep } from "../tools/lockstep.js";
import type { Releasers } from "../tools/releasers.js";
import type { Repo, StandIn } from "../tools/standin/index.js";
import { writeHistory } from "./history.js";
import { workDir } from "./run.js";

interface Needs {
  standin: StandIn;
  lockstep: Lockstep;
  /** How many repositories are fetched at a time, and how many are cloned. */
  fetched: number;
  cloned: number;
}

/** The history of each clone, in megabytes. */
const CLONE_MB = 60;
/** Each push changes so many files. */
const FILES_A_PUSH = 50;
const DONE_MS = 120_000;
const OWNER = "busy-org";

/** Has Lockstep fetch and clone without a pause: the next push or clone begins when the last one has ended. */
export async function keepBusy({ standin, lockstep, fetched, cloned }: Needs, releasers: Releasers) {
  const history = join(await workDir(releasers), "history.git");
  await writeHistory(history, CLONE_MB);
  const installation = standin.createInstallation(OWNER);
  const names = Array.from({ length: fetched }, (_, n) => `fetched-${n}`);
  const repos = await standin.createRepositories(installation, names);
  const count = { fetches: 0, clones: 0 };
  let isStopped = false;

  const reportNew = (repo: Repo) =>
    standin.deliverEvent("repository", standin.eventFor("repository", "created", { repo }), {
      to: lockstep.webhookUrl,
    });

  const ended = ({ owner, name }: Repo, result: string, deliveryId?: string) =>
    lockstep.waitForLog(
      (line) =>
        line.event === "refreshed" &&
        line.repository === `${owner}/${name}` &&
        (deliveryId === undefined ? line.result === result : line.deliveryId === deliveryId),
      DONE_MS,
    );

  async function fetchOn(repo: Repo): Promise<void> {
    for (let n = 0; !isStopped; n++) {
      const paths = Array.from({ length: FILES_A_PUSH }, (_, file) => `dir-${file}/file-${n}`);
      const text = `${Math.random()}\n`.repeat(2_000);
      const push = await standin.commit(repo, "main", {
        files: Object.fromEntries(paths.map((path) => [path, `${path}\n${text}`])),
      });
      const { id } = await standin.deliver(push, { to: lockstep.webhookUrl });
      await ended(repo, "updated", id);
      count.fetches += 1;
    }
  }

  async function cloneOn(which: number): Promise<void> {
    for (let n = 0; !isStopped; n++) {
      const repo = await standin.createRepository(OWNER, `cloned-${which}-${n}`, { from: history });
      await reportNew(repo);
      await ended(repo, "cloned");
      count.clones += 1;
    }
  }

  for (const repo of repos) await reportNew(repo);
  await Promise.all(repos.map((repo) => ended(repo, "cloned")));
  const work = [...repos.map(fetchOn), ...Array.from({ length: cloned }, (_, n) => cloneOn(n))];
  return {
    fetches: () => count.fetches,
    clones: () => count.clones,
    async stop() {
      isStopped = true;
      await Promise.all(work);
    },
  };
}
