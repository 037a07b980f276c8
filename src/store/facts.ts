import type { Store, Tables } from "./database.js";

export const FACT_TABLES: Tables = {
  module: "facts",
  steps: ["CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)"],
};

/** Facts are single values by name, which outlive the process. */
export interface Facts {
  get<T>(name: string): T | null;
  /** @param value null: the fact is deleted; anything else is stored as JSON */
  set(name: string, value: unknown): void;
}

export function createFacts(store: Store): Facts {
  const get = store.prepare("SELECT value FROM facts WHERE name = ?");
  const put = store.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)");
  const drop = store.prepare("DELETE FROM facts WHERE name = ?");
  return {
    get<T>(name: string) {
      const value = get.get(name)?.value;
      return value === undefined ? null : (JSON.parse(String(value)) as T);
    },
    set: (name, value) => void (value === null ? drop.run(name) : put.run(name, JSON.stringify(value))),
  };
}
