import { createAskNamed } from "../../cluster/asking.js";
import { type Action, createSharedActions, type SharedActions } from "../../cluster/shared-actions.js";
import type { ApiPorts } from "../../http/api.js";
import type { Domain } from "../domain.js";
import type { Ground } from "../ground.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  node: ClusterNode;
  domain: Domain;
  ground: Pick<Ground, "store">;
}

/** Operating actions, which every node that has the repository carries out. */
export interface Acting extends Pick<SharedActions, "answers" | "round"> {
  /** Has other nodes do what is done here. */
  share(here: ApiPorts): ApiPorts;
}

export function openActing({ node, domain, ground }: Needs): Acting {
  const { self, members, keepers, ask } = node;
  const { registry, keptTips, requests } = domain.records;
  const askNamed = createAskNamed(ask, members);
  let own: ApiPorts | null = null;

  const findKept = async (id: number, { ref, sha }: { ref: string; sha: string }) =>
    (await keptTips.of(id)).find((tip) => tip.sha === sha && (tip.ref ?? ref) === ref) ?? null;

  async function act(id: number, action: Action): Promise<boolean> {
    const repository = registry.managed(id);
    if (!own || !repository) return false;
    if (action.kind === "pause") own.pause(id);
    else if (action.kind === "resume") own.resume(id);
    else if (action.kind === "allow") {
      // This node may not have seen the change yet, which it then holds.
      if (own.allow(id, action.ref, action.wanted) !== null) return false;
    } else {
      const tip = await findKept(id, action);
      if (!tip || (await own.restore(id, tip.name, action.ref)) !== null) return false;
    }
    if (action.kind !== "pause") requests.repository(id, repository.installationId);
    return true;
  }

  const shared = createSharedActions({
    store: ground.store,
    holdersOf: (id) =>
      [...new Set([...members.placement().ownersOf(id), ...keepers.of(id)])].filter((it) => it !== self.name),
    tell: async (name, kind, body) => (await askNamed<boolean>(name, kind, body)) === true,
    stateOf(name) {
      const member = members.get(name);
      if (member === null) return "no member";
      return member.isAlive ? "alive" : "silent";
    },
    act,
    isHere: (id) => registry.managed(id) !== null,
    now: Date.now,
  });

  function share(here: ApiPorts): ApiPorts {
    own = here;
    return {
      ...here,
      pause(id) {
        here.pause(id);
        shared.done(id, { kind: "pause" });
      },
      resume(id) {
        here.resume(id);
        shared.done(id, { kind: "resume" });
      },
      allow(id, ref, wanted) {
        const held = domain.records.holds.find(id, ref);
        const refusal = here.allow(id, ref, wanted);
        if (refusal === null && held) shared.done(id, { kind: "allow", ref, wanted: held.wanted });
        return refusal;
      },
      async restore(id, name, ref) {
        const tip = keptTips.find(id, name);
        const refusal = await here.restore(id, name, ref);
        const to = tip?.ref ?? ref;
        if (refusal === null && tip && to !== undefined)
          shared.done(id, { kind: "restore", ref: to, sha: tip.sha });
        return refusal;
      },
    };
  }

  return { share, answers: shared.answers, round: shared.round };
}
