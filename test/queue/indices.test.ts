import { expect, test } from "vitest";
import { ORDER_QUERIES } from "../../src/queue/order.js";
import { TURN_QUERIES } from "../../src/queue/turns.js";
import { openQueue } from "../support/queue.js";

const queries = Object.entries({ ...ORDER_QUERIES, ...TURN_QUERIES });

test.each(queries)("the query %s reads from an index, and sorts nothing", (_, sql) => {
  const { store } = openQueue();
  const values = Array.from(sql.matchAll(/\?/g), () => 1);
  const plan = store()
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...values)
    .map(({ detail }) => String(detail));
  expect(plan.join("; ")).toMatch(/USING (?:COVERING )?INDEX dirty_/);
  expect(plan.join("; ")).not.toMatch(/TEMP B-TREE|SCAN dirty$/);
});
