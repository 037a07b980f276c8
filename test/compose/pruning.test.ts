import { expect, test } from "vitest";
import { createPruning } from "../../src/compose/pruning.js";
import { TABLES } from "../../src/compose/tables.js";
import { createDeliveryLog } from "../../src/deliveries/log.js";
import { createRegistry } from "../../src/registry/repositories.js";
import { openStore } from "../../src/store/database.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const DAY_MS = 86_400_000;

function setUp() {
  const store = openStore(tempDir(), TABLES);
  afterThis(async () => store.close());
  const registry = createRegistry(store);
  const faults: object[] = [];
  const queued = new Set<number>();
  const clock = { at: Date.now() };
  const log = { error: (details: object) => void faults.push(details) } as never;
  const records = {
    registry,
    deliveries: createDeliveryLog(store),
    queue: { has: ({ id }: { id: number }) => queued.has(id) } as never,
  };
  const pruning = createPruning(
    { retireAfterMs: DAY_MS },
    {
      log,
      ground: { store, github: { earliestNow: () => clock.at } as never },
      records,
      announcer: { prune: async () => {} },
    },
  );
  const add = (id: number, state: string, goneDays: number) => {
    registry.note(id, 1, { owner: "acme", name: `app-${id}` });
    registry.learnRef(id, "refs/heads/main", { pushedAt: 1, movedAt: 0, movedFrom: null });
    const goneAt = Date.now() - goneDays * DAY_MS;
    store.prepare("UPDATE repositories SET state = ?, gone_at = ? WHERE id = ?").run(state, goneAt, id);
  };
  return { store, registry, pruning, faults, add, queued, clock };
}

test("a month after a mirror was deleted nothing is left of its repository", async () => {
  const { registry, pruning, add, queued, faults } = setUp();
  add(1, "retired", 32);
  add(2, "retired", 30);
  add(3, "gone", 300);
  add(4, "retired", 32);
  queued.add(4);
  await pruning.run();
  expect(registry.ids()).toEqual([2, 3, 4]);
  expect([1, 2, 3, 4].map((id) => registry.refs(id).size)).toEqual([0, 1, 1, 1]);
  expect(faults).toEqual([]);
});

test("old deliveries go, however many there are", async () => {
  const { store, pruning } = setUp();
  const put = store.prepare(
    "INSERT INTO deliveries (id, received_at, event, outcome) VALUES (?, ?, 'push', 'ignored')",
  );
  store.transaction(() => {
    for (let n = 0; n < 500; n++) put.run(`old-${n}`, 1);
    put.run("new", Date.now());
  });
  await pruning.run();
  expect(store.prepare("SELECT id FROM deliveries").all()).toEqual([{ id: "new" }]);
});

test("after its end it writes nothing, and reports nothing", async () => {
  const { registry, pruning, add, faults } = setUp();
  add(1, "retired", 32);
  pruning.stop();
  await pruning.run();
  expect([registry.ids(), faults]).toEqual([[1], []]);
});

test("nothing goes before GitHub's clock is known, or while this machine's clock is ahead of it", async () => {
  const { registry, pruning, add, clock } = setUp();
  add(1, "retired", 32);
  clock.at = Number.NEGATIVE_INFINITY;
  await pruning.run();
  clock.at = Date.now() - 2 * DAY_MS;
  await pruning.run();
  expect(registry.ids()).toEqual([1]);
});
