import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createChanges, SHARED_TABLES } from "../../src/cluster/shared/changes.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

/** Nodes with clocks of their own. */
function startNodes(count: number) {
  return Array.from({ length: count }, (_, n) => {
    const store = openStore(tempDir(), [SHARED_TABLES]);
    onTestFinished(() => store.close());
    const clock = { now: 1_000 + n * 10 };
    return { id: `node-${n}`, clock, changes: createChanges(store, () => clock.now) };
  });
}
type Node = ReturnType<typeof startNodes>[number];

/** Reads what the other one knows, in parts. */
function read(node: Node, from: Node, limit: number): void {
  for (;;) {
    const seq = node.changes.readFrom(from.id);
    const page = from.changes.since(seq, limit);
    node.changes.take(page.changes);
    node.changes.noteRead(from.id, page.last);
    if (page.changes.length < limit) return;
  }
}

const everything = ({ changes }: Node) =>
  changes.since(0, 1_000).changes.sort((a, b) => (a.key < b.key ? -1 : 1));

const act = fc.record({
  node: fc.nat(2),
  key: fc.constantFrom("a", "b", "c"),
  value: fc.option(fc.nat(5)),
  tick: fc.nat(3),
  from: fc.nat(2),
});

test("whatever was done where and exchanged when, all nodes agree in the end, and a later exchange has nothing", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (acts, limit) => {
      const nodes = startNodes(3);
      for (const { node, key, value, tick, from } of acts) {
        const one = nodes[node]!;
        one.clock.now += tick;
        one.changes.put("token", key, value);
        if (from !== node) read(nodes[from]!, one, limit);
      }
      for (let n = 0; n < 2; n++)
        for (const node of nodes) for (const other of nodes) if (node !== other) read(node, other, limit);
      const [first, ...others] = nodes.map(everything);
      for (const other of others) expect(other).toEqual(first);
      const newest = nodes.map(({ changes }) => changes.newest());
      for (const node of nodes) for (const other of nodes) if (node !== other) read(node, other, limit);
      expect(nodes.map(({ changes }) => changes.newest())).toEqual(newest);
    }),
    { numRuns: 25 },
  );
});

test("what is done later on the same node wins over what came from a clock ahead", () => {
  const [a, b] = startNodes(2) as [Node, Node];
  b.clock.now = 1_000_000;
  b.changes.put("token", "ci", { scopes: ["read"] });
  read(a, b, 10);
  a.changes.put("token", "ci", null);
  read(b, a, 10);
  expect([a.changes.get("token", "ci"), b.changes.get("token", "ci")]).toEqual([null, null]);
});

test("only so many of a kind are kept, and what was deleted is forgotten after its time", () => {
  const [a] = startNodes(1) as [Node];
  for (let n = 0; n < 5; n++) a.changes.put("audit", String(n), n);
  a.changes.keepNewest("audit", 2);
  expect(everything(a).map(({ key }) => key)).toEqual(["3", "4"]);
  a.changes.put("token", "old", null);
  a.changes.put("token", "kept", 1);
  a.changes.forget("token", a.clock.now + 1, "deleted");
  expect(a.changes.get("token", "kept")).not.toBeNull();
  expect(everything(a).map(({ key }) => key)).toEqual(["3", "4", "kept"]);
});
