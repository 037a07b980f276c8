import { expect, onTestFinished, test } from "vitest";
import { createDeliveryList, OUTCOMES } from "../../src/deliveries/list.js";
import { createDeliveryLog, DELIVERY_TABLES } from "../../src/deliveries/log.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

/** The way SQLite takes for every statement that the log of deliveries and its list prepare. */
function plans(): [sql: string, plan: string][] {
  const store = openStore(tempDir(), [DELIVERY_TABLES]);
  onTestFinished(() => store.close());
  const seen = new Set<string>();
  const prepare = (sql: string) => {
    seen.add(sql);
    return store.prepare(sql);
  };
  createDeliveryLog({ ...store, prepare });
  const list = createDeliveryList({ ...store, prepare });
  for (const outcome of [null, ...OUTCOMES])
    for (const repository of [null, 7, "acme/app"]) {
      if (typeof repository === "string" && outcome !== null && outcome !== "ignored") continue;
      list.page({ repository, outcome, limit: 1, after: null });
    }
  return [...seen].map((sql) => {
    const places = sql.match(/\?\d*/g) ?? [];
    // A numbered place may occur several times.
    const values = new Set(places.map((place, n) => (place === "?" ? n : place)));
    const steps = store.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array.from(values, () => 1));
    return [sql, steps.map(({ detail }) => String(detail)).join("; ")];
  });
}

test("every statement about deliveries reads from an index, and sorts nothing", () => {
  const all = plans();
  expect(all.length).toBeGreaterThan(15);
  for (const [sql, plan] of all) {
    expect(plan, sql).not.toMatch(/TEMP B-TREE|SCAN deliveries(?! USING)/);
    if (!sql.startsWith("INSERT")) expect(plan, sql).toMatch(/USING (?:COVERING )?INDEX/);
  }
});

test("a settling reads from the index of open deliveries", () => {
  const settle = plans().find(([sql]) => sql.startsWith("UPDATE"));
  expect(settle?.[1]).toMatch(/INDEX deliveries_open \(subject=\? AND generation<\?\)/);
});
