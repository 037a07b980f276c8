import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDelayProxy } from "../tools/delay-proxy.js";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import type { LogLine } from "../tools/log-lines.js";
import { mirrorPath, readTip, waitForTip } from "../tools/mirror.js";
import type { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { makeCertificate } from "./tls.js";
import type { Way } from "./way.js";
import { NEVER_MAINTAINED, plainWays } from "./ways.js";

export interface Scenario {
  name: string;
  refs: number;
  tls: boolean;
  roundTripMs: number;
  serverMs: number;
  /** The files of each push; one small file by default. */
  files?: () => Record<string, string>;
  /** The ways to measure beside Lockstep; all by default. */
  only?: string[];
}

export interface Sample {
  ms: number;
  requests: number;
  connections: number;
}

export type Samples = Map<string, Sample[]>;

export const LOCKSTEP = "Lockstep";
const WARM_UPS = 2;
const ONBOARD_TIMEOUT_MS = 120_000;
/** What a way leaves running (git's maintenance, Lockstep's bookkeeping) must not slow the next way. */
const SETTLE_MS = 40;

/** Measures each way on the same pushes, one after the other; each push starts with another way. */
export async function measure(
  scenario: Scenario,
  dir: string,
  count: number,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<{ samples: Samples; log: LogLine[] }> {
  progress(`${scenario.name}: setting up …`);
  const { standin, repo, lockstep, ways } = await setUp(scenario, dir, releasers);
  const samples: Samples = new Map(ways.map((way) => [way.name, []]));
  for (let round = 0; round < WARM_UPS + count; round += 1) {
    progress(`${scenario.name}: push ${round + 1} of ${WARM_UPS + count} …`);
    const push = await standin.commit(repo, "main", scenario.files ? { files: scenario.files() } : {});
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(round + turn) % ways.length]!;
      standin.clearCounters();
      const connectionsBefore = standin.connections;
      const ms = await way.bring(push);
      await sleep(SETTLE_MS);
      if (round < WARM_UPS) continue;
      const requests = standin.gitRequests.length + standin.calls.length;
      samples.get(way.name)!.push({ ms, requests, connections: standin.connections - connectionsBefore });
    }
  }
  return { samples, log: lockstep.log };
}

async function setUp(scenario: Scenario, dir: string, releasers: Releasers) {
  await mkdir(dir, { recursive: true });
  const certificate = scenario.tls ? await makeCertificate(dir) : undefined;
  const standin = await startStandIn(certificate ? { tls: certificate } : {});
  releasers.add(() => standin.close());
  standin.strictClock = true;
  const repo = await standin.createRepository("octo-org", "upstream", { manyRefs: scenario.refs });
  let host = standin.host;
  if (scenario.roundTripMs > 0) {
    const proxy = await startDelayProxy(Number(host.split(":")[1]), scenario.roundTripMs);
    releasers.add(() => proxy.close());
    host = proxy.host;
  }
  standin.faults.serverDelayMs = scenario.serverMs;
  const url = `${standin.protocol}://${host}/${repo.owner}/${repo.name}.git`;
  const caFile = certificate?.caFile;
  const plain = await plainWays(dir, { url, token: standin.token(repo.installation!), caFile }, releasers);
  const dataDir = join(dir, "data");
  // A pass of the backstop would bring a push before the push's delivery does.
  const env = { GHE_HOST: host, INTERVAL: "off", ...(caFile ? { NODE_EXTRA_CA_CERTS: caFile } : {}) };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  const mirror = mirrorPath(dataDir, repo.owner, repo.name);
  const tip = await standin.tip(repo, "refs/heads/main");
  await waitForTip(mirror, "refs/heads/main", tip, ONBOARD_TIMEOUT_MS);
  const usual = ({ name }: Way) => name !== NEVER_MAINTAINED;
  const beside = plain.filter(scenario.only ? ({ name }) => scenario.only!.includes(name) : usual);
  return { standin, repo, lockstep, ways: [lockstepWay(standin, lockstep, repo, mirror), ...beside] };
}

function lockstepWay(standin: StandIn, lockstep: Lockstep, repo: Repo, mirror: string): Way {
  return {
    name: LOCKSTEP,
    bring: async (push) => {
      if (readTip(mirror, push.ref) !== push.before) throw new Error(`${repo.name} is not at ${push.before}`);
      const arrived = waitForTip(mirror, push.ref, push.after);
      const [at, delivered] = await Promise.all([
        arrived,
        standin.deliver(push, { to: lockstep.webhookUrl }),
      ]);
      await lockstep.waitForLog((line) => line.event === "refreshed" && line.deliveryId === delivered.id);
      return at - delivered.sentAt;
    },
  };
}
