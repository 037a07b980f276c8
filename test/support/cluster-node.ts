import { onTestFinished } from "vitest";
import { JOB_FORMAT } from "../../src/cluster/beat.js";
import { connect } from "../../src/cluster/connection.js";
import { createLiveness } from "../../src/cluster/liveness.js";
import { createMembers, type Self } from "../../src/cluster/members.js";
import type { Replicas } from "../../src/cluster/placement.js";
import { createPulse } from "../../src/cluster/pulse.js";
import { createRoster, nodeIdOf, ROSTER_TABLES } from "../../src/cluster/roster.js";
import { createSeal } from "../../src/cluster/seal.js";
import { createClusterSettings } from "../../src/cluster/settings.js";
import { openStore, type Tables } from "../../src/store/database.js";
import { createFacts, FACT_TABLES } from "../../src/store/facts.js";
import { tempDir } from "./temp.js";

export const TEST_CLUSTER = "test";
export const TEST_SECRET = "a secret of all nodes in tests";
/** Everything is some hundred times faster than in a real cluster. */
export const DEAD_MS = 1_000;
export const TIMEOUT_MS = 3_000;
const PACE_MS = 50;

interface NodeOptions {
  name: string;
  url: string;
  dataDir?: string;
  weight?: number;
  replicas?: Replicas;
  /** Where other nodes reach this one. */
  nodeUrl?: string | null;
  /** Tables besides those of the members. */
  tables?: Tables[];
  secret?: string;
  version?: string;
  /** What it says of itself, whatever it does. */
  says?: Partial<Self>;
}

/** The part of a node that knows the members. It ends with the test, like a process that is killed. */
export async function startMember(options: NodeOptions) {
  const { name, url, dataDir = tempDir(), weight = 1, replicas = 1, secret = TEST_SECRET } = options;
  const { nodeUrl = null, tables = [], version = "0.0.0", says } = options;
  const seal = createSeal({ secret, cluster: TEST_CLUSTER });
  const store = openStore(dataDir, [ROSTER_TABLES, FACT_TABLES, ...tables]);
  const roster = createRoster(store);
  const self = {
    name,
    id: nodeIdOf(store),
    weight,
    url: nodeUrl,
    format: JOB_FORMAT,
    replicas,
    version,
    ...says,
  };
  const settings = createClusterSettings(createFacts(store), replicas);
  const liveness = createLiveness({ deadMs: DEAD_MS, clock: () => performance.now() });
  const members = createMembers({ self, roster, liveness, settings, deadMs: DEAD_MS, timeoutMs: TIMEOUT_MS });
  const redis = await connect(url, { kind: "asking", onError() {} });
  const prefix = `lockstep:${TEST_CLUSTER}`;
  const pulse = createPulse({
    redis,
    prefix,
    seal,
    self,
    members,
    deadMs: DEAD_MS,
    paceMs: PACE_MS,
    now: Date.now,
  });
  let moves = 0;
  members.onPlacement(() => void moves++);
  let isClosed = false;
  /** What a kill -9 leaves: the last beat in Redis, and the name until its time is over. */
  async function kill(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    redis.disconnect();
    await pulse.stop();
    store.close();
  }
  onTestFinished(kill);
  return {
    name,
    dataDir,
    store,
    redis,
    prefix,
    members,
    roster,
    pulse,
    seal,
    self,
    start: pulse.start,
    kill,
    alive: () =>
      members
        .all()
        .filter((node) => node.isAlive)
        .map((node) => node.name),
    names: () => members.all().map((node) => node.name),
    /** How often the owners may have changed since the last call. */
    moves() {
      const count = moves;
      moves = 0;
      return count;
    },
  };
}

export type TestMember = Awaited<ReturnType<typeof startMember>>;
