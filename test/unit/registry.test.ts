import { expect, test } from "vitest";
import { createRegistry, REGISTRY_TABLES } from "../../src/registry.js";
import { openStore } from "../../src/store.js";
import { tempDir } from "../support/temp.js";

test("rows that an earlier Lockstep left managed with the time of a removal lose it", () => {
  const dir = tempDir();
  const earlier = openStore(dir, [{ ...REGISTRY_TABLES, steps: REGISTRY_TABLES.steps.slice(0, 3) }]);
  const put = earlier.prepare(
    "INSERT INTO repositories (id, installation_id, owner, name, added_at, state, gone_at) VALUES (?, 1, 'acme', ?1, 0, ?, 5)",
  );
  for (const [id, state] of ["fresh", "failing", "gone", "retired"].entries()) put.run(id, state);
  earlier.close();
  const store = openStore(dir, [REGISTRY_TABLES]);
  const times = createRegistry(store)
    .all()
    .map(({ goneAt }) => goneAt);
  store.close();
  expect(times).toEqual([null, null, 5, 5]);
});
