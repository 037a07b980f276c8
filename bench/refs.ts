import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startLockstep } from "../tools/lockstep.js";
import { mirrorPath } from "../tools/mirror.js";
import { Random } from "../tools/random.js";
import { Releasers } from "../tools/releasers.js";
import { Git } from "../tools/standin/git.js";
import { type Repo, startStandIn } from "../tools/standin/index.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { watchArrivals } from "./load/arrivals.js";
import { type Destination, deliver } from "./load/deliver.js";
import { startUpstream, type Upstream } from "./load/upstream.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:refs [-- --refs 1000,100000 --loose 1000 --earlier 1000 --pushes 100]

How long a push by word takes from its delivery until a mirror has it, by the number of refs and by the number of
earlier pushes. One Lockstep has all mirrors, which are pushed in turn. Fetches are answered from memory, so that
nothing of the other side grows. Each number of refs is measured with every ref packed, the one that is pushed, too;
with that one as a file of its own; and with many such files. Ratios are to the fewest refs of the same kind.

  --refs <list>    refs of a mirror; default 1000,100000
  --loose <n>      so many refs are files of their own where there are many; default 1000
  --earlier <n>    pushes to one more mirror before it is measured; default 1000
  --pushes <n>     to each mirror; default 100`;

interface Scene extends Destination {
  upstream: Upstream;
  mirrors: string[];
}

interface Kind {
  refs: number;
  /** Refs that are files of their own. Zero: each push begins with every ref packed. */
  loose: number;
  earlier: number;
}

interface Row extends Kind {
  medianMs: number;
  ratio: number;
}

const OWNER = "octo-org";
const REF = "refs/heads/main";
const WARM_UPS = 5;
const LONGEST_MS = 300_000;
/** What a push leaves to be done after it is in the mirror must not count for the next. */
const SETTLE_MS = 30;

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: {
    refs: { type: "string", default: "1000,100000" },
    loose: { type: "string", default: "1000" },
    earlier: { type: "string", default: "1000" },
    pushes: { type: "string", default: "100" },
  },
  async measure(values, report) {
    const refs = values.refs.split(",").map(Number);
    const ofRefs = (loose: number) => refs.map((count) => ({ refs: count, loose, earlier: 0 }));
    const aged = { refs: refs[0]!, loose: 1, earlier: Number(values.earlier) };
    const kinds: Kind[] = [...ofRefs(0), ...ofRefs(1), aged, ...ofRefs(Number(values.loose))];
    const scene = await setUp(await workDir(releasers), kinds);
    const rows = await measure(scene, kinds, Number(values.pushes));
    const cells = rows.map((row) => [
      ...[row.refs, row.loose, row.earlier].map((count) => count.toLocaleString("en")),
      formatMs(row.medianMs),
      `${row.ratio.toFixed(2)}×`,
    ]);
    report.table([["refs", "of them loose", "earlier pushes", "lag p50", "ratio"], ...cells]);
    return { pushes: Number(values.pushes), rows };
  },
});

async function setUp(dir: string, kinds: Kind[]): Promise<Scene> {
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const upstream = await startUpstream(standin);
  releasers.add(() => upstream.close());
  const repos: Repo[] = [];
  for (const [n, { refs }] of kinds.entries()) {
    progress(`making a repository with ${refs.toLocaleString("en")} refs …`);
    repos.push(await standin.createRepository(OWNER, `r${n}`, { manyRefs: refs }));
  }
  const dataDir = join(dir, "data");
  const env = { GHE_HOST: upstream.host, INTERVAL: "off", MIN_FREE_DISK: "0" };
  const lockstep = await startLockstep({ standin, dataDir, env, readyTimeoutMs: LONGEST_MS });
  releasers.add(() => lockstep.stop());
  progress("cloning …");
  const isCloned = ({ event }: { event?: unknown }) => event === "cloned" || event === "refreshed";
  while (lockstep.log.filter(isCloned).length < kinds.length) await sleep(200);
  const mirrors = repos.map(({ name }) => mirrorPath(dataDir, OWNER, name));
  for (const [n, { loose }] of kinds.entries()) if (loose > 1) await makeLoose(mirrors[n]!, loose);
  const arrivals = watchArrivals(mirrors, REF);
  releasers.add(() => arrivals.close());
  const scene = { standin, upstream, lockstep, repos, mirrors, arrivals };
  for (const [n, { earlier }] of kinds.entries()) await pushEarlier(scene, repos[n]!, earlier);
  return scene;
}

/** Gives refs files of their own, with the values that they have. gitrepository-layout(5) */
async function makeLoose(mirror: string, count: number): Promise<void> {
  const lines = (await readFile(join(mirror, "packed-refs"), "utf8")).split("\n");
  const branches = lines.filter((line) => line.includes(" refs/heads/topic/"));
  const tags = lines.filter((line) => line.includes(" refs/tags/build/"));
  for (const directory of ["heads/topic", "tags/build"])
    await mkdir(join(mirror, "refs", directory), { recursive: true });
  for (const line of [...branches.slice(0, count / 2), ...tags.slice(0, count / 2)]) {
    const [sha, ref] = line.split(" ");
    await writeFile(join(mirror, ref!), `${sha}\n`);
  }
}

/** The mirror's branch has a file of its own after each push. */
async function packAll(mirror: string): Promise<void> {
  await new Git().run(mirror, ["pack-refs", "--all"]);
}

async function pushEarlier(scene: Scene, repo: Repo, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    progress(`earlier push ${n + 1} of ${count} …`);
    await deliver(scene, await scene.upstream.push(repo));
  }
}

/** The mirrors take turns, in another order in each round: what the push before has left to be done costs something, too. */
async function measure(scene: Scene, kinds: Kind[], pushes: number): Promise<Row[]> {
  const lags = kinds.map(() => [] as number[]);
  const random = new Random(1);
  for (let round = -WARM_UPS; round < pushes; round++) {
    progress(`push ${round + 1} of ${pushes} …`);
    for (const n of random.shuffled([...kinds.keys()])) {
      if (kinds[n]!.loose === 0) await packAll(scene.mirrors[n]!);
      const lag = await deliver(scene, await scene.upstream.push(scene.repos[n]!));
      if (round >= 0) lags[n]!.push(lag);
      await sleep(SETTLE_MS);
    }
  }
  return kinds.map((kind, n) => {
    const first = kinds.findIndex(({ loose }) => loose === kind.loose);
    return { ...kind, medianMs: median(lags[n]!), ratio: median(lags[n]!) / median(lags[first]!) };
  });
}
