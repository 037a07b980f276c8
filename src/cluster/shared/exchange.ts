import type { Answers, Ask } from "../asking.js";
import type { Members } from "../members.js";
import type { Change, ChangePage, Changes } from "./changes.js";

const KINDS = { changes: "changes", since: "changes-since" } as const;

interface Ports {
  self: string;
  members: Pick<Members, "all">;
  ask: Ask;
  changes: Changes;
  transaction<T>(fn: () => T): T;
  /** Makes a change of another node's true here; by its kind. Called in the transaction that notes it. */
  appliers: Readonly<Record<string, (change: Change) => void>>;
}

export interface Exchange {
  answers: Answers;
  /** Sends what was put here to the nodes that are alive, soon and at once. Never throws. */
  send(): void;
  /** Reads from each node that is alive what it knows since it was last read. Never throws. */
  round(): Promise<void>;
}

/** What is put within this time goes together, in milliseconds. */
const GATHER_MS = 100;
const PAGE = 200;

/** Exchanges what every node is to know. What a node misses while it is away it reads from the others when it is back. */
export function createExchange({ self, members, ask, changes, transaction, appliers }: Ports): Exchange {
  let sent = changes.newest();
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;

  const others = () =>
    members
      .all()
      .flatMap(({ name, url, isAlive, id }) =>
        name !== self && url !== null && isAlive ? { name, url, id } : [],
      );

  function take(all: readonly Change[]): void {
    transaction(() => {
      for (const change of changes.take(all.filter(({ kind }) => Object.hasOwn(appliers, kind))))
        appliers[change.kind]!(change);
    });
  }

  async function push(): Promise<void> {
    const page = changes.since(sent, PAGE);
    sent = page.last;
    if (page.changes.length === 0) return;
    await Promise.all(others().map((node) => ask(node, KINDS.changes, page.changes).catch(() => {})));
    if (page.changes.length === PAGE) send();
  }

  function send(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      push().catch(() => {});
    }, GATHER_MS);
    timer.unref();
  }

  async function readFrom(node: { name: string; url: string; id: string }): Promise<void> {
    for (;;) {
      const from = changes.readFrom(node.id);
      const page = await ask<ChangePage>(node, KINDS.since, from);
      if (page.last <= from) return;
      transaction(() => {
        take(page.changes);
        changes.noteRead(node.id, page.last);
      });
      if (page.changes.length < PAGE) return;
    }
  }

  return {
    answers: {
      [KINDS.changes](body) {
        take(body as Change[]);
        return true;
      },
      [KINDS.since]: (from) => changes.since(Number(from), PAGE),
    },
    send,
    async round() {
      if (isRunning) return;
      isRunning = true;
      // A node that does not answer is read in a later round.
      await Promise.all(others().map((node) => readFrom(node).catch(() => {})));
      isRunning = false;
    },
  };
}
