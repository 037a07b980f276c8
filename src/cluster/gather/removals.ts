import type { ApiPorts } from "../../http/api.js";
import type { InstallationView } from "../../http/status-view.js";
import type { Answers } from "../asking.js";
import type { AskOthers } from "./others.js";

const KINDS = { installation: "gather-installation", confirm: "gather-confirm" } as const;

type Own = Pick<ApiPorts, "installation" | "confirmRemoval">;

/** Each node holds the removal of its own share; an operator sees and confirms them at any node. */
export function createRemovals(own: () => Own, askOthers: AskOthers): { ports: Own; answers: Answers } {
  async function installation(id: number): Promise<InstallationView | null> {
    const known = await own().installation(id);
    const { parts } = await askOthers<InstallationView | null>(KINDS.installation, id);
    const held = [known, ...parts].flatMap((part) => part?.heldRemoval ?? []);
    const [first] = held;
    if (!known || !first) return known;
    const repositories = [...new Set(held.flatMap((one) => one.repositories))];
    const heldAt = held.map((one) => one.heldAt).sort()[0]!;
    return { ...known, heldRemoval: { ...first, repositories, heldAt } };
  }

  return {
    ports: {
      installation,
      async confirmRemoval(id) {
        // Owners of the same repository confirm it together.
        const held = (await installation(id))?.heldRemoval?.repositories.length ?? 0;
        await own().confirmRemoval(id);
        await askOthers(KINDS.confirm, id);
        return held;
      },
    },
    answers: {
      [KINDS.installation]: (id) => own().installation(Number(id)),
      [KINDS.confirm]: (id) => own().confirmRemoval(Number(id)),
    },
  };
}
