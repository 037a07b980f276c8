import { createEmbeddedQueue } from "../src/queue/embedded.js";
import { QUEUE_TABLES } from "../src/queue/tables.js";
import { openStore } from "../src/store/database.js";
import { Releasers } from "../tools/releasers.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:queue

What a push costs the queue (arm, choose, begin, succeed), in time of the processor, while other requests wait:
first clones that are ready, and refreshes that back off.`;

const PUSHES = 2_000;
const WAITING = [10, 1_000, 10_000];

/** Every waiting repository is a first clone with an even number, or backs off with an odd one. */
const isClone = (id: number) => id >= 1_000_000 && id % 2 === 0;

async function measure(dir: string, waiting: number): Promise<number> {
  const store = openStore(`${dir}/${waiting}`, [QUEUE_TABLES]);
  const queue = createEmbeddedQueue({
    store,
    quietPeriodMs: 0,
    gitHost: "github.com",
    needsClone: isClone,
  });
  store.transaction(() => {
    for (let id = 1_000_000; id < 1_000_000 + waiting; id++) {
      const about = { installationId: id % 20 };
      queue.arm({ kind: "repository", id }, { trigger: "onboard", hints: [], full: true }, about);
      if (isClone(id)) continue;
      queue.begin({ kind: "repository", id });
      queue.reclaim({ kind: "repository", id });
    }
  });
  const before = process.cpuUsage();
  for (let id = 1; id <= PUSHES; id++) {
    queue.arm(
      { kind: "repository", id },
      { trigger: "push", hints: [], full: false },
      { installationId: id % 20 },
    );
    queue.promote();
    queue.nextDueIn();
    const subject = queue.next("short");
    const snapshot = subject && queue.begin(subject);
    if (snapshot) queue.succeed(snapshot);
  }
  const { user, system } = process.cpuUsage(before);
  store.close();
  return (user + system) / PUSHES;
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: {},
  async measure(_, report) {
    const dir = await workDir(releasers);
    const rows: { waiting: number; microseconds: number; ratio: number }[] = [];
    for (const waiting of WAITING) {
      const microseconds = await measure(dir, waiting);
      rows.push({ waiting, microseconds, ratio: microseconds / (rows[0]?.microseconds ?? microseconds) });
    }
    const cells = rows.map(({ waiting, microseconds, ratio }) => [
      waiting.toLocaleString("en"),
      `${Math.round(microseconds)} µs`,
      `${ratio.toFixed(2)}×`,
    ]);
    report.table([["waiting", "per push", "ratio"], ...cells]);
    return rows;
  },
});
