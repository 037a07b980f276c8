import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asRefreshError } from "../../src/base/errors.js";
import { openStore, type Tables } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const TABLES: Tables[] = [{ module: "rows", steps: ["CREATE TABLE texts (text TEXT)"] }];

/** What a power cut or a full disk leaves: the first pages say what there is, and the last ones are missing. */
function cutDatabase(): string {
  const dataDir = tempDir();
  const store = openStore(dataDir, TABLES);
  const insert = store.prepare("INSERT INTO texts VALUES (hex(zeroblob(1000)))");
  store.transaction(() => {
    for (let n = 0; n < 100; n++) insert.run();
  });
  // Everything is in the file itself, as after a stop.
  store.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  store.close();
  const file = join(dataDir, "lockstep.db");
  truncateSync(file, Math.floor(statSync(file).size / 2));
  return dataDir;
}

test("a database whose end is missing is not opened, although SQLite opens it without an error", () => {
  const dataDir = cutDatabase();
  const open = () => openStore(dataDir, TABLES);
  expect(open).toThrow();
  try {
    open();
  } catch (error) {
    expect(asRefreshError(error).code).toBe("database_damaged");
  }
});

test("a refused database leaves the lock free", () => {
  const dataDir = cutDatabase();
  const codes = [1, 2].map(() => {
    try {
      openStore(dataDir, TABLES).close();
      return "opened";
    } catch (error) {
      return (error as { code?: string }).code;
    }
  });
  expect(codes).toEqual(["SQLITE_CORRUPT", "SQLITE_CORRUPT"]);
});
