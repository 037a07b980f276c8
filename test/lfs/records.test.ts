import fc from "fast-check";
import { expect, test } from "vitest";
import { createLfsRecords, LFS_TABLES } from "../../src/lfs/records.js";
import { openStore } from "../../src/store/database.js";
import { createForgetting } from "../../src/store/forget.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

function setUp() {
  const store = openStore(tempDir(), [LFS_TABLES]);
  afterThis(async () => store.close());
  return { store, records: createLfsRecords(store) };
}

type Records = ReturnType<typeof createLfsRecords>;
const OIDS = ["a", "b", "c", "d"];
const ACTS: Record<string, (records: Records, id: number, oid: string) => unknown> = {
  found: (records, id, oid) => records.found(id, 1, [{ oid, size: oid.charCodeAt(0) }]),
  stored: (records, id, oid) => records.stored(id, [oid], 1),
  refused: (records, id, oid) => records.refused(id, oid, "404", () => 2),
  lost: (records, id, oid) => records.lost(id, oid),
  forget: (records, id, oid) => records.forget(id, [oid]),
};

test("what is counted is what is there, whatever happens to the objects", async () => {
  const act = fc.tuple(
    fc.constantFrom(...Object.keys(ACTS)),
    fc.constantFrom(1, 2),
    fc.constantFrom(...OIDS),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
      const { store, records } = setUp();
      for (const [name, id, oid] of acts) await ACTS[name]!(records, id, oid);
      const rows = store.prepare("SELECT * FROM lfs_objects").all();
      for (const id of [1, 2]) {
        const own = rows.filter(({ repository_id }) => repository_id === id);
        const [kept, missing] = [true, false].map((is) =>
          own.filter((row) => (row.stored_at !== null) === is),
        );
        const sum = (some: typeof own) => some.reduce((total, { size }) => total + Number(size), 0);
        expect(records.state(id)).toMatchObject({
          objects: kept!.length,
          bytes: sum(kept!),
          missing: missing!.length,
          missingBytes: sum(missing!),
          refused: missing!.filter(({ tries }) => Number(tries) > 0).length,
        });
      }
      const missing = rows.filter(({ stored_at }) => stored_at === null).length;
      const { refused, waiting } = records.missing();
      expect(refused + waiting).toBe(missing);
    }),
    { numRuns: 30 },
  );
});

test("nothing is left of a repository that is forgotten", async () => {
  const { store, records } = setUp();
  await records.found(
    7,
    1,
    OIDS.map((oid) => ({ oid, size: 1 })),
  );
  records.scanned(7, { scan: 1, scannedAt: 1, wholeAt: 1 });
  const forgetSome = createForgetting(store, []);
  while (forgetSome(7, 2) > 0);
  for (const table of ["lfs_objects", "lfs_counts", "lfs_scans"])
    expect(store.prepare(`SELECT * FROM ${table}`).all()).toEqual([]);
  expect(records.missing()).toEqual({ refused: 0, waiting: 0 });
});
