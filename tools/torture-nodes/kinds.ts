import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Traffic } from "../cluster/traffic.js";
import { type ClusterNode, NO_MIRROR } from "../cluster/world.js";
import { removeInUse } from "../remove-in-use.js";
import { type Scene, waitUntil } from "./scene.js";

/** Longer than NODE_DEAD of these nodes, in milliseconds. */
const DEAD_MS = 15_000;

/** A fault under load. What it does is undone when it resolves, and all nodes run. */
export interface Kind {
  name: string;
  inflict(scene: Scene, traffic: Traffic): Promise<void>;
}

const anOwner = ({ random, owners }: Scene): ClusterNode => random.pick(owners())!;

/** What GitHub sends to the node meanwhile reaches nobody; its log has it. */
async function killAndRestart(node: ClusterNode, meanwhile: () => Promise<void>): Promise<void> {
  await node.lockstep.kill9();
  await meanwhile();
  await node.restart();
}

/** Asks until the node does it. @throws Error with its last answer */
async function post(node: ClusterNode, path: string): Promise<void> {
  let last = "no answer";
  const isDone = async () => {
    const answer = await node.lockstep.api(path, { method: "POST" });
    last = `${answer.status} ${await answer.text()}`;
    return answer.ok;
  };
  await waitUntil(path, isDone).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
}

/** Under load a mirror differs from GitHub most of the time, but it is there. */
const isMissing = (fault: string): boolean => fault.endsWith(NO_MIRROR);

/** Drains a node, and waits until its share is with the others. */
async function giveAway({ name }: ClusterNode, scene: Scene): Promise<void> {
  const door = scene.door();
  await post(door, `/api/v1/nodes/${name}/drain`);
  await waitUntil("the others to take its share over", async () => {
    const { nodes } = (await (await door.lockstep.api("/api/v1/nodes")).json()) as {
      nodes: { name: string; kept: number | null; owned: number }[];
    };
    const left = nodes.find((it) => it.name === name);
    return left?.owned === 0 && left.kept === 0;
  });
}

/** Everything that is written to Redis fails from now on, as with noeviction at the limit. */
async function fill({ cluster: { redis } }: Scene): Promise<void> {
  await redis.client.config("SET", "maxmemory", "1");
}

export const KINDS: readonly Kind[] = [
  {
    name: "an owner is killed",
    inflict: (scene, traffic) => killAndRestart(anOwner(scene), () => traffic.more(50)),
  },
  {
    name: "an owner is killed right after a delivery has reached it",
    async inflict(scene, traffic) {
      const owner = anOwner(scene);
      traffic.deliverTo(owner);
      await traffic.more(1);
      await killAndRestart(owner, () => traffic.more(20));
    },
  },
  {
    name: "the receiver is killed",
    inflict: (scene, traffic) => killAndRestart(scene.door(), () => traffic.more(50)),
  },
  {
    name: "an owner stops and is started again",
    async inflict(scene, traffic) {
      const owner = anOwner(scene);
      await owner.lockstep.stop();
      await traffic.more(50);
      await owner.restart();
    },
  },
  {
    name: "an owner hangs for longer than NODE_DEAD",
    async inflict(scene) {
      const { pid } = anOwner(scene).lockstep;
      process.kill(pid, "SIGSTOP");
      await sleep(DEAD_MS);
      process.kill(pid, "SIGCONT");
    },
  },
  {
    name: "an owner's disk burns",
    async inflict(scene) {
      const owner = anOwner(scene);
      await killAndRestart(owner, async () => {
        await removeInUse(owner.dataDir);
        await sleep(DEAD_MS);
      });
    },
  },
  {
    name: "Redis is killed, and comes back empty",
    async inflict({ cluster: { redis } }, traffic) {
      await redis.kill();
      await traffic.more(50);
      await redis.restart();
    },
  },
  {
    name: "Redis is emptied",
    async inflict({ cluster: { redis } }, traffic) {
      await redis.client.flushall();
      await traffic.more(50);
    },
  },
  {
    name: "Redis hangs",
    async inflict({ cluster: { redis } }) {
      redis.signal("SIGSTOP");
      await sleep(DEAD_MS);
      redis.signal("SIGCONT");
    },
  },
  {
    name: "Redis is full",
    async inflict(scene, traffic) {
      await fill(scene);
      await traffic.more(50);
      await scene.cluster.redis.client.config("SET", "maxmemory", "0");
    },
  },
  {
    name: "a node is cut off from Redis",
    async inflict(scene) {
      const { network } = anOwner(scene);
      network.cut();
      await sleep(DEAD_MS);
      network.mend();
    },
  },
  {
    name: "a node's connections to Redis fall silent",
    async inflict(scene, traffic) {
      anOwner(scene).network.silence();
      await traffic.more(100);
    },
  },
  {
    name: "a node joins, and is drained and removed",
    async inflict(scene, traffic) {
      const { cluster, repos } = scene;
      const node = await cluster.start("joining");
      await waitUntil("the new node to have its share", () => !cluster.faults(repos).some(isMissing));
      await traffic.more(20);
      await giveAway(node, scene);
      cluster.nodes.delete(node.name);
      await node.lockstep.stop();
      const door = scene.door();
      await post(door, `/api/v1/nodes/${node.name}/remove?force=yes`);
    },
  },
  {
    name: "somebody writes jobs into Redis",
    async inflict({ cluster, owners, repos }, traffic) {
      const forged = {
        sealed: `${"A".repeat(43)}${JSON.stringify({ format: 1, hops: 0, id: repos[0]!.id })}`,
      };
      for (const { name } of owners()) {
        const queue = new Queue(`deliveries-${name}`, {
          connection: cluster.redis.client,
          prefix: `lockstep:${cluster.standin.appId}`,
        });
        for (let n = 0; n < 100; n++) await queue.add("push", forged, { jobId: `forged-${n}` });
        await queue.close();
      }
      await traffic.more(50);
    },
  },
];
