import { repositoryNameOf } from "../../base/wikis.js";
import { type Answers, type Ask, createAskNamed } from "../../cluster/asking.js";
import type { MemberState } from "../../cluster/members.js";
import type { Settings } from "../../cluster/settings.js";
import type { SettingsPorts } from "../../http/cluster-settings.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  node: ClusterNode;
  ask: Ask;
}

/** A node that changes the settings sends them to the others; each node reads them from one that has later ones. */
const KINDS = { read: "settings", write: "new-settings" } as const;

export interface SettingsExchange {
  ports: SettingsPorts;
  answers: Answers;
  /** Takes over what another node has since it was away. Never throws. */
  exchange(): Promise<void>;
}

/** Keeps the settings of the cluster the same on every node. */
export function createSettingsExchange({ node, ask }: Needs): SettingsExchange {
  const { self, members, settings, directory } = node;
  const askNamed = createAskNamed(ask, members);

  /** Has this node's placement, beats and answers go by the settings. */
  function apply(): void {
    self.replicas = settings.current().replicas;
    self.settings = settings.stamp();
    members.refresh();
  }

  const adopt = (said: unknown): void => {
    if (settings.adopt(said)) apply();
  };
  const others = (): MemberState[] =>
    members.all().filter(({ name, isAway }) => name !== self.name && !isAway);

  async function change(to: Partial<Settings>): Promise<string[]> {
    const seen = others().map((it) => it.settings?.version ?? 0);
    settings.change(to, Math.max(0, ...seen));
    apply();
    const now = settings.current();
    const heard = others().map(async ({ name }) => ((await askNamed(name, KINDS.write, now)) ? [] : [name]));
    return (await Promise.all(heard)).flat();
  }

  async function exchange(): Promise<void> {
    for (const { name, isAlive, settings: theirs } of others())
      if (isAlive && theirs !== null && settings.isOlderThan(theirs))
        adopt(await askNamed(name, KINDS.read, null));
  }

  return {
    ports: {
      read() {
        const { version, replicas, pins } = settings.current();
        const pinned = Object.entries(pins).map(([id, to]) => ({ id: Number(id), node: to }));
        return { version, replicas, pins: pinned };
      },
      setReplicas: (replicas) => change({ replicas }),
      async pin(repository, to) {
        const found = directory.find(repositoryNameOf(repository));
        if (found === null) return "no repository";
        if (to !== null && members.get(to) === null) return "no node";
        const others = Object.entries(settings.current().pins).filter(([pinned]) => Number(pinned) !== found);
        return change({ pins: Object.fromEntries(to === null ? others : [...others, [String(found), to]]) });
      },
    },
    answers: {
      [KINDS.read]: settings.current,
      [KINDS.write](said) {
        adopt(said);
        return true;
      },
    },
    // A database that cannot be written now can be at a later round.
    exchange: () => exchange().catch(() => {}),
  };
}
