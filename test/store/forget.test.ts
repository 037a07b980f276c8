import { expect, test } from "vitest";
import { TABLES } from "../../src/compose/tables.js";
import { openStore } from "../../src/store/database.js";
import { createForgetting } from "../../src/store/forget.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

function setUp() {
  const store = openStore(tempDir(), TABLES);
  afterThis(async () => store.close());
  const count = (table: string, id: number) =>
    Number(store.prepare(`SELECT count(*) AS n FROM ${table} WHERE repository_id = ?`).get(id)?.n);
  return { store, count };
}

test("every table loses its rows about the repository, some at a time, and no other row", () => {
  const { store, count } = setUp();
  const learn = store.prepare("INSERT INTO ref_knowledge (repository_id, ref, pushed_at) VALUES (?, ?, 1)");
  for (let n = 0; n < 300; n++) for (const id of [7, 8]) learn.run(id, `refs/heads/${n}`);
  store
    .prepare("INSERT INTO intents (repository_id, at, trigger, type) VALUES (7, 1, 'push', 'changed')")
    .run();
  store.prepare("INSERT INTO maintenance (repository_id, seen_at) VALUES (7, 1)").run();
  store.prepare("INSERT INTO kept_tips VALUES (7, 'a', NULL, 'b', 1)").run();
  store.prepare("INSERT INTO events (repository_id, at, body) VALUES (7, 1, '{}')").run();
  const forgetSome = createForgetting(store, ["events"]);
  const deleted: number[] = [];
  do deleted.push(forgetSome(7, 200));
  while (deleted.at(-1) === 200);
  expect(deleted).toEqual([200, 103]);
  for (const table of ["ref_knowledge", "intents", "maintenance", "kept_tips"])
    expect(count(table, 7)).toBe(0);
  expect([count("events", 7), count("ref_knowledge", 8)]).toEqual([1, 300]);
});
