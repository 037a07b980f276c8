import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { createSignal, type Subscribe } from "../base/signal.js";
import { type Beat, beatsKeyOf, readBeat, writeBeat } from "./beat.js";
import { isLeftOut, leftOutKeyOf } from "./handover/left-out.js";
import type { Members, Self } from "./members.js";
import type { Seal } from "./seal.js";

/** Another DATA_DIR uses this node's name and is alive. */
export class NodeNameTaken extends Error {
  override readonly name = "NodeNameTaken";

  constructor(nodeName: string) {
    super(
      `Another node is running as ${nodeName}. Give each node a NODE_NAME of its own, or stop the other one.`,
    );
  }
}

/** Removes a key that still has the value which was read. */
const FORGET_IF = `if redis.call("get", KEYS[1]) == ARGV[1] then redis.call("del", KEYS[1]) end`;

interface Ports {
  redis: Pick<Redis, "set" | "get" | "del" | "eval" | "pipeline" | "hdel">;
  /** What all keys in Redis begin with. */
  prefix: string;
  seal: Seal;
  self: Self;
  members: Members;
  /** How long a name belongs to a node after its last beat, by Redis's clock, in milliseconds. */
  deadMs: number;
  /** How long to wait between two beats, in milliseconds. */
  paceMs: number;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

export interface PulseState {
  /** Whether the last beat arrived, or the one before: a single one that fails is no problem yet. */
  isBeating: boolean;
  /** Why the last one did not; null: it did, or there was none. */
  error: Error | null;
  /** How many beats were dropped because no node of the cluster has signed them. */
  forged: number;
}

/** Tells the others that this node is alive, and takes in what they tell. */
export interface Pulse {
  /**
   * Beats once, and from then on every `paceMs`, also while Redis is away.
   * @throws NodeNameTaken before anything is written
   */
  start(): Promise<void>;
  /** Says at once that this node is about to stop; it keeps its share. Never throws. */
  leave(): Promise<void>;
  stop(): Promise<void>;
  state(): PulseState;
  /** Reports that deliveries did not fit into this node's queue. */
  onLeftOut: Subscribe<[]>;
  /** Reports that the name was found taken when Redis was reached later than at the start. */
  onTaken: Subscribe<[error: NodeNameTaken]>;
}

export function createPulse(ports: Ports): Pulse {
  const { redis, prefix, seal, self, members, deadMs, paceMs, now } = ports;
  const epoch = randomUUID();
  const lease = seal.close("name", JSON.stringify({ name: self.name, id: self.id }));
  const [nameKey, beatsKey] = [`${prefix}:name:${self.name}`, beatsKeyOf(prefix)];
  const leftOutKey = leftOutKeyOf(prefix, self.name);
  const leftOut = createSignal<[]>();
  const taken = createSignal<[error: NodeNameTaken]>();
  const state: PulseState = { isBeating: false, error: null, forged: 0 };
  let [count, isLeaving, isStopped] = [0, false, false];
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  /** Takes the name, or keeps it. Redis itself says when a name is free again. */
  async function claimName(): Promise<void> {
    const isMine = (await redis.set(nameKey, lease, "PX", deadMs, "NX")) === "OK";
    if (isMine) return;
    const holder = await redis.get(nameKey);
    if (holder !== null && holder !== lease && seal.open("name", holder) !== null)
      throw new NodeNameTaken(self.name);
    await redis.set(nameKey, lease, "PX", deadMs);
  }

  async function beat(): Promise<void> {
    await claimName();
    count++;
    const sealed = writeBeat(seal, { ...self, epoch, count, leaving: isLeaving, at: now() });
    const results = await redis
      .pipeline()
      .hset(beatsKey, self.name, sealed)
      .hgetall(beatsKey)
      .get(leftOutKey)
      .exec();
    // A Redis that is full or cannot be written still answers. Nobody's beats change there, and nobody is dead.
    for (const [error] of results ?? []) if (error) throw error;
    const beats = readAll((results?.[1]?.[1] ?? {}) as Record<string, string>);
    members.take(beats);
    await noteLeftOut(results?.[2]?.[1] as string | null);
    await forget(beats);
  }

  /** What Redis says is on this node's disk before it leaves Redis. */
  async function noteLeftOut(said: string | null): Promise<void> {
    if (said === null) return;
    if (isLeftOut(seal, self.name, said)) leftOut.emit();
    await redis.eval(FORGET_IF, 1, leftOutKey, said);
  }

  function readAll(sealed: Record<string, string>): Map<string, Beat> {
    const beats = new Map<string, Beat>();
    for (const [name, text] of Object.entries(sealed)) {
      const read = readBeat(seal, name, text);
      if (read) beats.set(name, read);
      else state.forged++;
    }
    return beats;
  }

  /** Removes the last beats of those that are away, so that a new node does not take them for members. */
  async function forget(beats: ReadonlyMap<string, Beat>): Promise<void> {
    const away = [...beats.keys()].filter((name) => members.get(name)?.isAway);
    if (away.length > 0) await redis.hdel(beatsKey, ...away);
  }

  /** Beats run one at a time. */
  function beatNow(): Promise<void> {
    const one = running.then(beat);
    running = one.then(
      () => void Object.assign(state, { isBeating: true, error: null }),
      (error: Error) => {
        const isFirst = state.isBeating && state.error === null;
        Object.assign(state, { isBeating: isFirst, error });
      },
    );
    return one;
  }

  function beatLater(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      beatNow()
        .catch((error: unknown) => {
          if (error instanceof NodeNameTaken) taken.emit(error);
        })
        .finally(beatLater);
    }, paceMs);
  }

  return {
    async start() {
      await beatNow().catch((error: unknown) => {
        if (error instanceof NodeNameTaken) throw error;
      });
      beatLater();
    },
    async leave() {
      isLeaving = true;
      await beatNow().catch(() => {});
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      // The name is free at once for a node that is to replace this one.
      const holder = await redis.get(nameKey).catch(() => null);
      if (holder === lease) await redis.del(nameKey).catch(() => {});
    },
    state: () => ({ ...state }),
    onLeftOut: leftOut.on,
    onTaken: taken.on,
  };
}
