import { createSignal, type Subscribe } from "../base/signal.js";
import type { Beat } from "./beat.js";
import type { Liveness } from "./liveness.js";
import { createPlacement, type Placement, type Replicas } from "./placement.js";
import type { Node, Roster } from "./roster.js";
import type { ClusterSettings, Stamp } from "./settings.js";

/** What this node says of itself. */
export type Self = Pick<
  Beat,
  "name" | "id" | "weight" | "url" | "format" | "replicas" | "version" | "settings"
>;

interface Ports {
  self: Self;
  roster: Roster;
  liveness: Liveness;
  settings: Pick<ClusterSettings, "current" | "stamp">;
  deadMs: number;
  timeoutMs: number;
}

/** How a member is, as far as this node can tell. */
export interface MemberState extends Node {
  /** Whether it gives signs of life; a node that is not alive serves no reads. */
  isAlive: boolean;
  /** Whether it has said that it is about to stop. */
  isLeaving: boolean;
  /** Its REPLICAS; null: it has not said so to this process. */
  replicas: Replicas | null;
  /** The version of its program; null: it has not said so to this process. */
  version: string | null;
  /** The settings of the cluster that it goes by; null: it has not said so to this process. */
  settings: Stamp | null;
}

/** Who belongs to the cluster, who is alive, and who owns what. */
export interface Members {
  /** Returns all members by name, this node included. */
  all(): MemberState[];
  get(name: string): MemberState | null;
  placement(): Placement;
  /** Returns the newest form of jobs that all members read. */
  format(): number;
  /** Takes in a complete reading of the beats in Redis. */
  take(beats: ReadonlyMap<string, Beat>): void;
  /** Takes in what an operator has changed in the roster, or in the settings of the cluster. */
  refresh(): void;
  /** Reports that owners may have changed. */
  onPlacement: Subscribe<[before: Placement, after: Placement]>;
}

/** What was last heard of a node; each process of a node has an epoch of its own. */
interface Heard {
  epoch: string;
  count: number;
  isLeaving: boolean;
  replicas: Replicas | null;
  version: string | null;
  settings: Stamp | null;
  /** The epochs before, the newest last. */
  earlier: string[];
}

/** An epoch is forgotten after as many later ones. */
const EPOCHS = 20;

export function createMembers(ports: Ports): Members {
  const { self, roster, liveness, settings, deadMs, timeoutMs } = ports;
  const heard = new Map<string, Heard>();
  const changed = createSignal<[before: Placement, after: Placement]>();
  if (!roster.isRemoved(self.id)) roster.note(self);
  let nodes = roster.all();
  let shares = sharesOf(nodes);
  const place = () => createPlacement(shares, settings.current().replicas, settings.current().pins);
  let placement = place();
  let placedBy = settings.stamp().hash;

  function refresh(): void {
    nodes = roster.all();
    const now = sharesOf(nodes);
    const by = settings.stamp().hash;
    if (by === placedBy && JSON.stringify(now) === JSON.stringify(shares)) return;
    const before = placement;
    [shares, placedBy] = [now, by];
    placement = place();
    changed.emit(before, placement);
  }

  /**
   * Records a beat. @returns whether it is a sign of life. The first beat that this process sees may be an old one, of a node
   * that is dead; so may be one of an earlier process, which somebody has put back.
   */
  function hear({ name, epoch, count, leaving, replicas, version, settings: stamp }: Beat): boolean {
    const last = heard.get(name);
    const isOld = last && (last.earlier.includes(epoch) || (epoch === last.epoch && count <= last.count));
    if (isOld) return false;
    const earlier =
      last && epoch !== last.epoch ? [...last.earlier, last.epoch].slice(-EPOCHS) : last?.earlier;
    heard.set(name, {
      epoch,
      count,
      isLeaving: leaving,
      replicas: replicas ?? null,
      version: version ?? null,
      settings: stamp ?? null,
      earlier: earlier ?? [],
    });
    return last !== undefined;
  }

  /** Writes only what is new, as each write is synced to the disk. */
  function note(beat: Beat, { isLife }: { isLife: boolean }): void {
    const known = nodes.find(({ name }) => name === beat.name);
    if (beat.name === self.name || (known && !isLife)) return;
    const isSame =
      known?.id === beat.id &&
      known.weight === beat.weight &&
      known.url === beat.url &&
      known.format === beat.format;
    if (!isSame || known.isAway) roster.note(beat);
  }

  const stateOf = (node: Node): MemberState => ({
    ...node,
    isAlive: node.name === self.name || (!node.isAway && liveness.silentMs(node.name) < deadMs),
    isLeaving: heard.get(node.name)?.isLeaving ?? false,
    replicas: heard.get(node.name)?.replicas ?? null,
    settings: heard.get(node.name)?.settings ?? null,
    version: node.name === self.name ? (self.version ?? null) : (heard.get(node.name)?.version ?? null),
  });

  return {
    all: () => nodes.map(stateOf),
    get(name) {
      const node = nodes.find((it) => it.name === name);
      return node ? stateOf(node) : null;
    },
    placement: () => placement,
    format: () => Math.min(...nodes.map(({ format }) => format)),
    take(beats) {
      const lives: string[] = [];
      for (const beat of beats.values()) {
        if (roster.isRemoved(beat.id)) continue;
        const isLife = hear(beat);
        if (isLife) lives.push(beat.name);
        note(beat, { isLife });
      }
      liveness.read(lives);
      for (const { name, isAway } of nodes)
        if (name !== self.name && !isAway && liveness.silentMs(name) >= timeoutMs) roster.setAway(name);
      refresh();
    },
    refresh,
    onPlacement: changed.on,
  };
}

/** A node that is away keeps its place in the roster, and owns nothing until it beats again. */
const sharesOf = (nodes: readonly Node[]) =>
  nodes
    .filter(({ isAway }) => !isAway)
    .map(({ name, weight, isDrained }) => ({ name, weight: isDrained ? 0 : weight }));
