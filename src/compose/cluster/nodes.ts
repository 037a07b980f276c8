import { type Answers, type Ask, createAskNamed } from "../../cluster/asking.js";
import type { MemberState } from "../../cluster/members.js";
import type { Moves } from "../../cluster/moves.js";
import type { Cluster } from "../../config/cluster.js";
import type { NodePorts, NodeView } from "../../http/nodes.js";
import type { RefreshQueue } from "../../queue/contract.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  node: ClusterNode;
  ask: Ask;
  moves: Pick<Moves, "count">;
  queue: Pick<RefreshQueue, "depth">;
}

/** What nodes ask each other on an operator's behalf. */
const KINDS = {
  kept: "kept",
  backlog: "backlog",
  drain: "drain",
  remove: "remove",
  readmit: "readmit",
} as const;

/** What an operator sees of the nodes, and does with them. */
export function createNodes(
  cluster: Cluster,
  { node, ask, moves, queue }: Needs,
): { ports: NodePorts; answers: Answers } {
  const { self, roster, members, pulse, directory } = node;
  const askNamed = createAskNamed(ask, members);

  const setDrained = (isDrained: boolean) => {
    roster.setDrained(self.name, { isDrained });
    self.weight = isDrained ? 0 : cluster.weight;
    members.refresh();
  };
  const removeHere = (name: string) => {
    roster.remove(name);
    members.refresh();
  };

  async function countsOf(it: MemberState): Promise<Pick<NodeView, "kept" | "backlog">> {
    if (it.name === self.name) return { kept: moves.count(), backlog: queue.depth() };
    const [kept, backlog] = await Promise.all([
      askNamed<number>(it.name, KINDS.kept, null),
      askNamed<number>(it.name, KINDS.backlog, null),
    ]);
    return { kept, backlog };
  }

  const others = () => members.all().filter(({ name, isAway }) => name !== self.name && !isAway);

  /** @returns the nodes that did not answer */
  async function tellOthers(kind: string, body: unknown): Promise<string[]> {
    const silent = await Promise.all(
      others().map(async (other) => ((await askNamed<boolean>(other.name, kind, body)) ? [] : [other.name])),
    );
    return silent.flat();
  }

  /** Whether as many nodes as REPLICAS would have a share without this one. */
  function leavesEnough(name: string): boolean {
    const left = members
      .placement()
      .nodes()
      .filter((other) => other !== name);
    const { replicas } = node.settings.current();
    return left.length >= (replicas === "all" ? 1 : replicas);
  }

  const isKnown = (name: string) => members.get(name) !== null;

  const ports: NodePorts = {
    async list() {
      const owned = new Map<string, number>();
      const placement = members.placement();
      await directory.forEachId((id) => {
        for (const owner of placement.ownersOf(id)) owned.set(owner, (owned.get(owner) ?? 0) + 1);
      });
      const { isBeating, error } = pulse.state();
      const views = members.all().map(
        async (it): Promise<NodeView> => ({
          name: it.name,
          state: stateOf(it),
          url: it.url,
          weight: it.weight,
          version: it.version,
          isSelf: it.name === self.name,
          isDrained: it.isDrained,
          owned: owned.get(it.name) ?? 0,
          ...(await countsOf(it)),
        }),
      );
      return {
        nodes: await Promise.all(views),
        replicas: node.settings.current().replicas,
        redis: { reachable: isBeating, reason: isBeating ? null : (error?.message ?? null) },
      };
    },
    figures() {
      const nodes = { alive: 0, leaving: 0, silent: 0, away: 0 };
      for (const member of members.all()) nodes[stateOf(member)]++;
      const { isBeating, forged } = pulse.state();
      return { nodes, isRedisReachable: isBeating, kept: moves.count(), forged };
    },
    async drain(name, { isDrained, isForced }) {
      const member = members.get(name);
      if (!member) return "unknown";
      if (isDrained && !isForced && !leavesEnough(name)) return "too few";
      if (name === self.name) setDrained(isDrained);
      else if (!(await askNamed<boolean>(name, KINDS.drain, isDrained))) return "no answer";
      return null;
    },
    async remove(name, { isForced }) {
      const member = members.get(name);
      if (!member || name === self.name) return "unknown";
      if (member.isAlive && !isForced) return "alive";
      if (!isForced && !leavesEnough(name)) return "too few";
      const missing = await tellOthers(KINDS.remove, name);
      removeHere(name);
      return missing.filter((other) => other !== name);
    },
    async readmit(name) {
      roster.readmit(name);
      return tellOthers(KINDS.readmit, name);
    },
  };
  const answers: Answers = {
    [KINDS.kept]: moves.count,
    [KINDS.backlog]: queue.depth,
    [KINDS.drain](isDrained) {
      setDrained(isDrained === true);
      return true;
    },
    [KINDS.remove](name) {
      if (isKnown(String(name))) removeHere(String(name));
      return true;
    },
    [KINDS.readmit](name) {
      roster.readmit(String(name));
      return true;
    },
  };
  return { ports, answers };
}

function stateOf({ isAway, isAlive, isLeaving }: MemberState): NodeView["state"] {
  if (isAway) return "away";
  if (!isAlive) return "silent";
  return isLeaving ? "leaving" : "alive";
}
