import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, type Lockstep, startLockstep } from "../tools/lockstep.js";
import type { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import { workDir } from "./run.js";
import { type Prepared, prepare, startCaller } from "./webhook-calls.js";

const REPOSITORIES = 20;
const BODY_BYTES = 10_000;
/** What is measured is not how many calls an address may make. */
const RATE = { WEBHOOK_RATE: "1000000", WEBHOOK_BURST: "10000000" };

export interface Target {
  name: string;
  pid: number;
  port: number;
}

export interface World {
  standin: StandIn;
  dataDir: string;
  lockstep: Lockstep;
  bare: Target;
  push: Prepared[];
  ignored: Prepared[];
  /** The ids of every delivery that Lockstep has accepted. */
  accepted: string[];
  call: ReturnType<typeof startCaller>;
}

/** Clones some repositories into a Lockstep whose refreshes after a push then wait. */
export async function setUp(releasers: Releasers): Promise<World> {
  const dir = await workDir(releasers);
  progress("cloning …");
  const standin = await startStandIn({ dir: join(dir, "github") });
  releasers.add(() => standin.close());
  const names = Array.from({ length: REPOSITORIES }, (_, n) => `service-${n}`);
  const repos = await standin.createRepositories(standin.createInstallation("octo-org"), names);
  const dataDir = join(dir, "data");
  const lockstep = await start({ standin, dataDir }, releasers, { QUIET_PERIOD: "1h" });
  for (const repo of repos)
    await lockstep.waitForLog(
      (line) => line.repository === `octo-org/${repo.name}` && line.result === "cloned",
      60_000,
    );
  return {
    standin,
    dataDir,
    lockstep,
    bare: await startBare(standin.webhookSecret, releasers),
    push: await Promise.all(repos.map((repo) => pushOf(standin, repo))),
    ignored: repos.map((repo) => ignoredOf(standin, repo)),
    accepted: [],
    call: startCaller(releasers),
  };
}

const start = (
  { standin, dataDir }: Pick<World, "standin" | "dataDir">,
  releasers: Releasers,
  env: Record<string, string> = {},
): Promise<Lockstep> =>
  startLockstep({ standin, dataDir, env: { INTERVAL: "off", MIN_FREE_DISK: "0", ...RATE, ...env } }).then(
    (lockstep) => {
      releasers.add(() => lockstep.stop());
      return lockstep;
    },
  );

/** Restarts Lockstep as people run it: a push is refreshed at once. */
export async function restart(world: World, releasers: Releasers): Promise<void> {
  await world.lockstep.stop();
  world.lockstep = await start(world, releasers);
}

export const targetOf = ({ pid, url }: Lockstep): Target => ({
  name: "Lockstep",
  pid,
  port: Number(new URL(url).port),
});

async function startBare(secret: string, releasers: Releasers): Promise<Target> {
  const port = await freePort();
  const child = fork(fileURLToPath(new URL("./bare-receiver.js", import.meta.url)), [String(port), secret]);
  releasers.add(() => void child.kill());
  await once(child, "message");
  return { name: "a bare Node", pid: child.pid ?? 0, port };
}

/** A push whose commit the mirror has: what the refresh behind it costs git is not measured here. */
async function pushOf(standin: StandIn, repo: Repo): Promise<Prepared> {
  const tip = await standin.tip(repo, "refs/heads/main");
  const update = { ref: "refs/heads/main", before: "0".repeat(40), after: tip };
  const commits = [{ id: tip, message: "x", files: ["README.md"] }];
  const push = {
    ...update,
    repo,
    pushedAt: repo.pushedAt,
    forced: false,
    created: true,
    deleted: false,
    commits,
  };
  return prepare("push", padded(standin.payloadFor(push)), standin.webhookSecret);
}

function ignoredOf(standin: StandIn, { id, name }: Repo): Prepared {
  const repository = { id, full_name: `octo-org/${name}` };
  const payload = { action: "completed", repository, installation: { id: 1 }, check_run: { id: 1 } };
  return prepare("check_run", padded(payload), standin.webhookSecret);
}

/** Makes a payload as long as many of GitHub's are, with what most of them is: URLs. */
function padded(payload: object): object {
  const urls: string[] = [];
  for (let length = JSON.stringify(payload).length; length < BODY_BYTES; length += 83)
    urls.push(
      `https://api.github.com/repos/octo-org/service-1/contents/{+path}?page=${urls.length}`.padEnd(80, "x"),
    );
  return { ...payload, urls };
}
