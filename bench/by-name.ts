import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDelayProxy } from "../tools/delay-proxy.js";
import { startLockstep } from "../tools/lockstep.js";
import { mirrorPath, waitForTip } from "../tools/mirror.js";
import { Releasers } from "../tools/releasers.js";
import { startStandIn } from "../tools/standin/index.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { startUpstream } from "./load/upstream.js";
import { runBench, workDir } from "./run.js";
import { makeCertificate } from "./tls.js";

const HELP = `Usage: npm run bench:by-name

How long a push takes from its delivery until a mirror has it, over TLS with 30 ms of round trip:
by word, by name where GitHub answers what the delivery reports, and by name where GitHub has moved on.
Fetches are answered from memory, so that two requests at once cost the other side little. Ratios are to by word.`;

const ROUND_TRIP_MS = 30;
/** Longer than the benchmark takes: GitHub's clock runs ahead, so that it can stand still for a push by name. */
const AHEAD_S = 200;
const WARM_UPS = 3;
const PUSHES = 40;
/** Lockstep rests between two pushes, as it does on most days. */
const SETTLE_MS = 100;

type Way = "by word" | "by name, as reported" | "by name, moved on";
const WAYS: Way[] = ["by word", "by name, as reported", "by name, moved on"];

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: {},
  async measure(_, report) {
    const bring = await setUp(await workDir(releasers));
    const taken = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
    for (let round = 0; round < WARM_UPS + PUSHES; round++) {
      progress(`push ${round + 1} of ${WARM_UPS + PUSHES} …`);
      for (const way of WAYS) {
        const ms = await bring(way);
        if (round >= WARM_UPS) taken.get(way)!.push(ms);
        await sleep(SETTLE_MS);
      }
    }
    const base = median(taken.get("by word")!);
    const rows = WAYS.map((way) => ({
      way,
      medianMs: median(taken.get(way)!),
      ratio: median(taken.get(way)!) / base,
    }));
    const cells = rows.map(({ way, medianMs, ratio }) => [way, formatMs(medianMs), `${ratio.toFixed(2)}×`]);
    report.table([["way", "median", "ratio"], ...cells]);
    return { roundTripMs: ROUND_TRIP_MS, rows };
  },
});

/** @returns a function that pushes, and returns the milliseconds from the delivery until the mirror has the push */
async function setUp(dir: string): Promise<(way: Way) => Promise<number>> {
  const certificate = await makeCertificate(dir);
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const upstream = await startUpstream(standin, { tls: certificate });
  releasers.add(() => upstream.close());
  const repo = await standin.createRepository("octo-org", "upstream", { manyRefs: 1_000 });
  const proxy = await startDelayProxy(Number(upstream.host.split(":")[1]), ROUND_TRIP_MS);
  releasers.add(() => proxy.close());
  const dataDir = join(dir, "data");
  const lockstep = await startLockstep({
    standin,
    dataDir,
    env: {
      GHE_HOST: proxy.host,
      GHE_PROTOCOL: "https",
      INTERVAL: "off",
      NODE_EXTRA_CA_CERTS: certificate.caFile,
    },
  });
  releasers.add(() => lockstep.stop());
  const mirror = mirrorPath(dataDir, repo.owner, repo.name);
  const ref = "refs/heads/main";
  await waitForTip(mirror, ref, (await standin.tip(repo, ref))!, 60_000);
  repo.pushedAt += AHEAD_S;

  return async (way) => {
    // In one second with the last push, a delivery proves no order, and GitHub is asked by name.
    const reported = await upstream.push(repo, { inSameSecond: way !== "by word" });
    const isLast = way !== "by name, moved on";
    const wanted = isLast ? reported : await upstream.push(repo, { inSameSecond: true });
    const arrived = waitForTip(mirror, ref, wanted.after);
    const [at, { id, sentAt }] = await Promise.all([
      arrived,
      standin.deliver(reported, { to: lockstep.webhookUrl }),
    ]);
    const line = await lockstep.waitForLog(
      ({ event, deliveryId }) => event === "refreshed" && deliveryId === id,
    );
    const expected = way === "by word" ? "word" : "name";
    if (line.way !== expected) throw new Error(`${way}: the refresh went by ${String(line.way)}`);
    return at - sentAt;
  };
}
