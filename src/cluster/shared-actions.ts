import { z } from "zod";
import type { Row, Store, Tables } from "../store/database.js";
import type { Answers } from "./asking.js";

export const SHARED_ACTION_TABLES: Tables = {
  module: "shared-actions",
  steps: [
    `CREATE TABLE shared_actions (
       repository_id INTEGER NOT NULL,
       topic TEXT NOT NULL,
       at INTEGER NOT NULL,
       action TEXT NOT NULL,
       PRIMARY KEY (repository_id, topic)
     ) WITHOUT ROWID;
     CREATE TABLE unheard_actions (
       node TEXT NOT NULL,
       repository_id INTEGER NOT NULL,
       topic TEXT NOT NULL,
       PRIMARY KEY (node, repository_id, topic)
     ) WITHOUT ROWID;`,
  ],
};

const Ref = z.string().min(1).max(1_024);
const Action = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("pause") }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("allow"), ref: Ref, wanted: z.string().max(64) }),
  z.object({ kind: z.literal("restore"), ref: Ref, sha: z.string().max(64) }),
]);
const Shared = z.object({ id: z.int().positive(), at: z.int(), action: Action });

/** What an operator has done to a repository, and every node that has it is to do. */
export type Action = z.output<typeof Action>;

interface Ports {
  store: Store;
  /** Returns the other nodes that have the repository, or are to have it. */
  holdersOf(id: number): string[];
  /** @returns whether the node has done it; it does not answer: false. Never throws. */
  tell(node: string, kind: string, body: unknown): Promise<boolean>;
  /** Whether the node belongs to the cluster, and gives signs of life. */
  stateOf(node: string): "alive" | "silent" | "no member";
  /** Does it here. @returns false: it cannot be done yet */
  act(id: number, action: Action): Promise<boolean>;
  /** Whether this node has the repository. */
  isHere(id: number): boolean;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

/** Actions on a repository that several nodes have. The latest one about the same thing wins, also on a node that was away. */
export interface SharedActions {
  /** Notes what was done here, and tells the others. @throws what the database throws */
  done(id: number, action: Action): void;
  /** Tells those that have not heard yet. Never throws. */
  round(): Promise<void>;
  answers: Answers;
}

const KIND = "action";
/** What was done is remembered for so long, so that an earlier action that arrives later changes nothing. Milliseconds. */
const KEEP_MS = 7 * 86_400_000;
/** A hold that the other node does not have by then, it will not have. Milliseconds. */
const OF_HOLDS_MS = 3_600_000;
const AT_A_TIME = 100;

const topicOf = (action: Action): string => ("ref" in action ? `ref ${action.ref}` : "pause");
const keptMs = (action: Action): number => ("ref" in action ? OF_HOLDS_MS : KEEP_MS);

export function createSharedActions(ports: Ports): SharedActions {
  const { store, now } = ports;
  const find = store.prepare("SELECT at, action FROM shared_actions WHERE repository_id = ? AND topic = ?");
  const put = store.prepare(
    "INSERT OR REPLACE INTO shared_actions (repository_id, topic, at, action) VALUES (?, ?, ?, ?)",
  );
  const prune = store.prepare("DELETE FROM shared_actions WHERE at < ?");
  const owe = store.prepare(
    "INSERT OR IGNORE INTO unheard_actions (node, repository_id, topic) VALUES (?, ?, ?)",
  );
  const unheard = store.prepare(
    `SELECT u.node, u.repository_id, u.topic, a.at, a.action FROM unheard_actions u
     LEFT JOIN shared_actions a USING (repository_id, topic) ORDER BY a.at LIMIT ?`,
  );
  const heard = store.prepare(
    "DELETE FROM unheard_actions WHERE node = ? AND repository_id = ? AND topic = ?",
  );
  let running: Promise<void> | null = null;

  async function tellOne(row: Row): Promise<void> {
    const [node, id, topic] = [String(row.node), Number(row.repository_id), String(row.topic)];
    const action = row.action === null ? null : Action.parse(JSON.parse(String(row.action)));
    const at = Number(row.at);
    const isOver = action === null || now() - at > keptMs(action) || ports.stateOf(node) === "no member";
    if (!isOver && ports.stateOf(node) !== "alive") return;
    if (isOver || (await ports.tell(node, KIND, { id, at, action }))) heard.run(node, id, topic);
  }

  async function tellAll(): Promise<void> {
    prune.run(now() - KEEP_MS);
    for (const row of unheard.all(AT_A_TIME)) await tellOne(row);
  }

  /** A database that cannot be read or written now can be at a later round. */
  function round(): Promise<void> {
    running ??= tellAll()
      .catch(() => {})
      .finally(() => {
        running = null;
      });
    return running;
  }

  return {
    done(id, action) {
      const topic = topicOf(action);
      store.transaction(() => {
        put.run(id, topic, now(), JSON.stringify(action));
        for (const node of ports.holdersOf(id)) owe.run(node, id, topic);
      });
      void round();
    },
    round,
    answers: {
      async [KIND](body) {
        const { id, at, action } = Shared.parse(body);
        const topic = topicOf(action);
        const last = find.get(id, topic);
        if (!ports.isHere(id) || (last && Number(last.at) >= at)) return true;
        const isDone = await ports.act(id, action);
        if (isDone) put.run(id, topic, at, JSON.stringify(action));
        return isDone;
      },
    },
  };
}
