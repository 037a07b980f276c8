import type { Releasers } from "../../base/releasers.js";
import type { Ask } from "../../cluster/asking.js";
import type { Keepers } from "../../cluster/keepers.js";
import type { MemberState, Members } from "../../cluster/members.js";
import type { MirrorClaims } from "../../cluster/mirror-claim.js";
import {
  askForHolds,
  askForKeptTips,
  askForState,
  type MovingState,
  partsThatDiffer,
} from "../../cluster/moving-state.js";
import { createPlacement } from "../../cluster/placement.js";
import type { Takeovers } from "../../cluster/takeovers.js";
import { createGateway, type Gateway } from "../../git/transport/gateway.js";
import type { FormerOwner, FormerOwners } from "../../refresh/take-over.js";
import { MIRROR_OWNER, MIRRORS_PATH } from "../../serve/for-nodes.js";

interface Needs {
  /** This node's name. */
  self: string;
  members: Pick<Members, "all" | "get">;
  keepers: Keepers;
  takeovers: Takeovers;
  claims: MirrorClaims;
  ask: Ask;
  releasers: Releasers;
}

/** A node that has just joined asks so many nodes that may have had a repository. */
const MAX_ASKED = 3;

type Reachable = MemberState & { url: string };
const isReachable = (node: MemberState | null): node is Reachable => node?.url != null && node.isAlive;

/** Finds the nodes that had a repository before this one. */
export function createFormerOwners(needs: Needs): FormerOwners {
  const { self, members, keepers, takeovers, ask } = needs;
  const open = createGateways(needs);

  /**
   * A keeper says so every few seconds. Before it has, it is among the nodes that would be owners without this one, if
   * drained ones still had a share.
   */
  function candidates(id: number): string[] {
    const others = members
      .all()
      .filter((node) => node.name !== self && isReachable(node))
      .map(({ name, weight }) => ({ name, weight: Math.max(weight, 1) }));
    return [...new Set([...keepers.of(id), ...createPlacement(others, MAX_ASKED).ownersOf(id)])];
  }

  async function askNode(id: number, name: string): Promise<FormerOwner | null> {
    const node = members.get(name);
    if (!isReachable(node)) return null;
    const state = await askForState(ask, node, id).catch(() => null);
    if (!state || !(state.hasMirror || state.hasPart)) return null;
    const gateway = await open(node);
    return formerOwnerOf(needs, { id, node, state, gateway });
  }

  return {
    async find(id, only) {
      for (const name of only === null ? candidates(id) : [only]) {
        const found = await askNode(id, name);
        if (found) return found;
      }
      return null;
    },
    forget: takeovers.forget,
    isOutdated: takeovers.wasSetAside,
    resume: takeovers.resume,
  };
}

interface Found {
  id: number;
  node: Reachable;
  state: MovingState;
  gateway: Gateway;
}

function formerOwnerOf({ ask, takeovers }: Needs, { id, node, state, gateway }: Found): FormerOwner {
  const { version, pausedAt } = state;
  const differing = version === null ? new Set() : partsThatDiffer(takeovers.find(id, node.name), version);
  return {
    node: node.name,
    pausedAt,
    isWhole: state.hasMirror,
    isNew: (part) => differing.has(part),
    // The gateway asks for a token by the installation's id, and here by the repository's.
    openLease: () => gateway.open({ installationId: id, owner: MIRROR_OWNER, name: String(id) }),
    holds: () => askForHolds(ask, node, id),
    keptTips: () => askForKeptTips(ask, node, id),
    taken() {
      if (version !== null) takeovers.note(id, node.name, version);
    },
  };
}

/** git gets to another node as it gets to GitHub: by a loopback address and a key, so that it never sees the claim. */
function createGateways({ claims, releasers }: Needs) {
  const gateways = new Map<string, Promise<Gateway>>();
  releasers.add("ways to other nodes", async () => {
    for (const gateway of gateways.values()) await (await gateway).close();
  });
  return ({ name, url }: Reachable): Promise<Gateway> => {
    const key = `${name} ${url}`;
    const known = gateways.get(key);
    if (known) return known;
    const gateway = createGateway(url + MIRRORS_PATH, async (id) => claims.make(name, id), {
      name: `node ${name}`,
      // HTTPS_PROXY is the way to GitHub.
      isBehindProxy: false,
    });
    gateways.set(key, gateway);
    gateway.catch(() => gateways.delete(key));
    return gateway;
  };
}
