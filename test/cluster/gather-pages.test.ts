import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePages, type Part } from "../../src/cluster/gather/pages.js";

interface Row {
  id: number;
  node: number;
}

/** What a node answers: its rows after a place, and where its next page begins. */
function pageOf(rows: readonly Row[], after: number | null, limit: number): Part<Row, number> {
  const left = rows.filter(({ id }) => after === null || id > after);
  const some = left.slice(0, limit);
  return { rows: some, next: left.length > limit ? some.at(-1)!.id : null };
}

const nodes = fc.array(fc.uniqueArray(fc.nat(60), { maxLength: 40 }), { minLength: 1, maxLength: 4 });

test("page by page every row of every node comes once, in order, as the best node has it", () => {
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 7 }), (all, limit) => {
      const byNode = all.map((ids, node) => [...ids].sort((a, b) => a - b).map((id): Row => ({ id, node })));
      const found: Row[] = [];
      let after: number | null = null;
      do {
        const page: Part<Row, number> = mergePages(
          byNode.map((rows) => pageOf(rows, after, limit)),
          {
            limit,
            placeOf: ({ id }) => id,
            compare: (a, b) => a - b,
            keyOf: ({ id }) => id,
            isBetter: (a, b) => a.node < b.node,
          },
        );
        expect(page.rows.length).toBeLessThanOrEqual(limit);
        found.push(...page.rows);
        after = page.next;
      } while (after !== null);
      const best = new Map<number, number>();
      for (const { id, node } of byNode.flat())
        best.set(id, Math.min(best.get(id) ?? Number.POSITIVE_INFINITY, node));
      const wanted = [...best].sort(([a], [b]) => a - b).map(([id, node]) => ({ id, node }));
      expect(found).toEqual(wanted);
    }),
  );
});
