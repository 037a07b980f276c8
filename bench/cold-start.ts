import { cpSync, linkSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "libsql";
import { freePort, startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:cold-start [-- --repositories 10000 --rounds 3]

How long a Lockstep that has many repositories takes from the start of its process to the first delivery that it accepts,
and until /readyz says that it is ready. Their mirrors are on disk, all of them copies of one. Beside it stands the start
of a Lockstep that has one repository.

  --repositories <n>  default 10,000
  --rounds <n>        the figures are medians; default 3`;

const OWNER = "octo-org";
const READY_MS = 120_000;
const TRY_EVERY_MS = 5;

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: {
    repositories: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
  },
  async measure(values, report) {
    const counts = [1, Number(values.repositories)];
    const rows = [];
    for (const count of counts) {
      const own = new Releasers();
      releasers.add(() => own.release());
      const world = await setUp(count, own);
      const taken = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        progress(`${count} repositories: start ${round + 1} …`);
        taken.push(await measureStart(world));
      }
      rows.push({
        repositories: count,
        acceptedMs: median(taken.map((it) => it.acceptedMs)),
        readyMs: median(taken.map((it) => it.readyMs)),
      });
      await own.release();
    }
    const cells = rows.map(({ repositories, acceptedMs, readyMs }) => [
      repositories.toLocaleString("en"),
      formatMs(acceptedMs),
      formatMs(readyMs),
    ]);
    report.table([["repositories", "first delivery accepted", "ready"], ...cells]);
    return rows;
  },
});

interface World {
  standin: StandIn;
  dataDir: string;
  repos: Repo[];
}

/** Clones one repository, makes the others of it, and starts once, as links and other files are made then. */
async function setUp(count: number, own: Releasers): Promise<World> {
  const dir = await workDir(own);
  const standin = await startStandIn({ dir: join(dir, "github") });
  own.add(() => standin.close());
  const installation = standin.createInstallation(OWNER);
  const [first] = await standin.createRepositories(installation, ["service-0"]);
  const dataDir = join(dir, "data");
  const lockstep = await startLockstep({ standin, dataDir, env: { MIN_FREE_DISK: "0" } });
  await lockstep.waitForLog(({ result }) => result === "cloned", READY_MS);
  await lockstep.stop();
  progress(`making ${count} repositories …`);
  const names = Array.from({ length: count - 1 }, (_, n) => `service-${n + 1}`);
  const others = names.length > 0 ? await standin.createRepositories(installation, names) : [];
  for (const repo of others) repo.pushedAt = first!.pushedAt;
  addMirrors(dataDir, first!, others);
  addRows(dataDir, first!, others);
  const world = { standin, dataDir, repos: [first!, ...others] };
  await measureStart(world);
  return world;
}

/** Files of objects are one and the same in every mirror; each mirror has its own marker. */
function addMirrors(dataDir: string, first: Repo, others: readonly Repo[]): void {
  const from = join(dataDir, "repos", String(first.id));
  const version = readlinkSync(join(from, "mirror.git"));
  const links = join(dataDir, "mirrors", OWNER);
  for (const { id, name } of others) {
    const to = join(dataDir, "repos", String(id));
    linkTree(join(from, version), join(to, version));
    symlinkSync(version, join(to, "mirror.git"));
    const marker = { program: "lockstep", version: 1, repositoryId: id };
    writeFileSync(join(to, version, "lockstep.json"), `${JSON.stringify(marker)}\n`);
    symlinkSync(join("../../repos", String(id), "mirror.git"), join(links, `${name}.git`));
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.name === "config" || entry.name === "HEAD") cpSync(source, target);
    else if (entry.name !== "lockstep.json") linkSync(source, target);
  }
}

/** Every repository is as fresh as the one that was cloned. */
function addRows(dataDir: string, first: Repo, others: readonly Repo[]): void {
  const db = new Database(join(dataDir, "lockstep.db"));
  const columns = (table: string, without: string[]) =>
    (db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => !without.includes(name))
      .join(", ");
  const same = columns("repositories", ["id", "name"]);
  const add = db.prepare(
    `INSERT INTO repositories (id, name, ${same}) SELECT ?, ?, ${same} FROM repositories WHERE id = ?`,
  );
  db.exec("BEGIN");
  for (const { id, name } of others) add.run(id, name, first.id);
  db.exec("COMMIT");
  db.close();
}

/** Sends a delivery again and again until one is accepted. */
async function measureStart({
  standin,
  dataDir,
  repos,
}: World): Promise<{ acceptedMs: number; readyMs: number }> {
  const port = await freePort();
  const push = await standin.commit(repos.at(-1)!, "main");
  const began = performance.now();
  const to = `http://127.0.0.1:${port}/api/github/webhooks`;
  const accepted = (async () => {
    for (;;) {
      const status = await standin.deliver(push, { to }).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 202) return performance.now() - began;
      if (performance.now() - began > READY_MS) throw new Error("no delivery was accepted");
      await sleep(TRY_EVERY_MS);
    }
  })();
  const lockstep = await startLockstep({
    standin,
    dataDir,
    port,
    env: { MIN_FREE_DISK: "0" },
    readyTimeoutMs: READY_MS,
  });
  releasers.add(() => lockstep.stop());
  const readyMs = performance.now() - began;
  const acceptedMs = await accepted;
  await lockstep.stop();
  return { acceptedMs, readyMs };
}
