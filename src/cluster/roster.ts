import { randomUUID } from "node:crypto";
import type { Row, Store, Tables } from "../store/database.js";

export const ROSTER_TABLES: Tables = {
  module: "roster",
  steps: [
    `CREATE TABLE node_identity (id TEXT NOT NULL);
     CREATE TABLE nodes (
       name TEXT PRIMARY KEY,
       id TEXT NOT NULL,
       weight REAL NOT NULL,
       url TEXT,
       format INTEGER NOT NULL,
       away INTEGER NOT NULL DEFAULT 0,
       drained INTEGER NOT NULL DEFAULT 0
     ) WITHOUT ROWID;
     CREATE TABLE removed_nodes (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;`,
  ],
};

/** A node as it last described itself, and what became of it. */
export interface Node {
  name: string;
  id: string;
  weight: number;
  url: string | null;
  format: number;
  /** Whether it was silent for NODE_TIMEOUT, so that the others own its share. */
  isAway: boolean;
  /** Whether an operator asked it to give its share away. */
  isDrained: boolean;
}

/** The members of the cluster, as this node knows them. It is on disk, so that a lost Redis removes nobody. */
export interface Roster {
  /** Returns all members by name, those that are away included. */
  all(): Node[];
  /** Stores how a node describes itself; it is not away. @returns whether anything is new */
  note(node: Pick<Node, "name" | "id" | "weight" | "url" | "format">): boolean;
  setAway(name: string): void;
  /** @returns whether there is such a node */
  setDrained(name: string, state: { isDrained: boolean }): boolean;
  /** Removes a node, and keeps its id out from now on. @returns whether there was such a node */
  remove(name: string): boolean;
  isRemoved(id: string): boolean;
  /** Lets the removed nodes of a name in again. */
  readmit(name: string): void;
}

/** Returns the random id of this DATA_DIR, which is made once. */
export function nodeIdOf(store: Store): string {
  return store.transaction(() => {
    const known = store.prepare("SELECT id FROM node_identity").get()?.id;
    if (typeof known === "string") return known;
    const id = randomUUID();
    store.prepare("INSERT INTO node_identity (id) VALUES (?)").run(id);
    return id;
  });
}

export function createRoster(store: Store): Roster {
  const every = store.prepare("SELECT * FROM nodes ORDER BY name");
  const put = store.prepare(
    `INSERT INTO nodes (name, id, weight, url, format) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET id = excluded.id, weight = excluded.weight, url = excluded.url,
     format = excluded.format, away = 0
     WHERE away = 1 OR id <> excluded.id OR weight <> excluded.weight OR url IS NOT excluded.url
     OR format <> excluded.format`,
  );
  const away = store.prepare("UPDATE nodes SET away = 1 WHERE name = ?");
  const drain = store.prepare("UPDATE nodes SET drained = ? WHERE name = ?");
  const keepOut = store.prepare(
    "INSERT OR REPLACE INTO removed_nodes (id, name) SELECT id, name FROM nodes WHERE name = ?",
  );
  const drop = store.prepare("DELETE FROM nodes WHERE name = ?");
  const removed = store.prepare("SELECT 1 AS yes FROM removed_nodes WHERE id = ?");
  const readmit = store.prepare("DELETE FROM removed_nodes WHERE name = ?");
  return {
    all: () => every.all().map(toNode),
    note: ({ name, id, weight, url, format }) => put.run(name, id, weight, url, format).changes > 0,
    setAway: (name) => void away.run(name),
    setDrained: (name, { isDrained }) => drain.run(isDrained ? 1 : 0, name).changes > 0,
    remove: (name) =>
      store.transaction(() => {
        keepOut.run(name);
        return drop.run(name).changes > 0;
      }),
    isRemoved: (id) => removed.get(id) !== undefined,
    readmit: (name) => void readmit.run(name),
  };
}

const toNode = (row: Row): Node => ({
  name: String(row.name),
  id: String(row.id),
  weight: Number(row.weight),
  url: row.url === null ? null : String(row.url),
  format: Number(row.format),
  isAway: row.away === 1,
  isDrained: row.drained === 1,
});
