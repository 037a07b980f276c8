import { expect, test } from "vitest";
import type { ServedRequest } from "../../../src/serve/seen/requests.js";
import { createReadTable } from "../../../src/serve/seen/table.js";

const HOUR = 3_600_000;

const READ: ServedRequest = {
  repository: { owner: "acme", name: "app" },
  repositoryId: 7,
  reader: "ci",
  way: "token",
  address: "192.0.2.1",
  act: "pack",
  source: "mirror",
  isShared: false,
  bytes: 100,
  durationMs: 5,
  isWhole: true,
};

function table() {
  const clock = { ms: 0 };
  const reads = createReadTable({ now: () => 1_700_000_000_000 + clock.ms, monotonic: () => clock.ms });
  return { clock, ...reads };
}

test("what a reader reads of a repository is one row, with where it came from", () => {
  const { served, rows } = table();
  served(READ);
  served({ ...READ, source: "github", isShared: true, bytes: 50, address: "192.0.2.2" });
  served({ ...READ, source: null, bytes: 10 });
  expect(rows(7, 10)).toEqual({
    rows: [
      {
        repository: READ.repository,
        repositoryId: 7,
        reader: "ci",
        way: "token",
        address: "192.0.2.1",
        lastAt: 1_700_000_000_000,
        requests: 3,
        sources: { mirror: 1, fetched: 0, github: 1 },
        shared: 1,
        failed: 1,
        bytes: 160,
      },
    ],
    total: 1,
  });
});

test("the reader who came last is first, and each repository has its own", () => {
  const { served, rows } = table();
  served(READ);
  served({ ...READ, repositoryId: 8 });
  served({ ...READ, reader: "other" });
  served({ ...READ, repositoryId: null, repository: { owner: "x", name: "y" } });
  served(READ);
  expect(rows(7, 10).rows.map(({ reader }) => reader)).toEqual(["ci", "other"]);
  expect(rows(null, 2)).toMatchObject({ rows: [{ reader: "ci" }, { repositoryId: null }], total: 4 });
});

test("those who were refused are one row, without names", () => {
  const { refused, rows } = table();
  for (const address of ["192.0.2.1", "192.0.2.2"])
    refused({ repository: READ.repository, repositoryId: 7, address });
  expect(rows(7, 10).rows).toMatchObject([{ reader: null, way: null, failed: 2, address: "192.0.2.2" }]);
});

test("after 24 hours nothing is left, hour by hour", () => {
  const { clock, served, rows } = table();
  served(READ);
  clock.ms += 23 * HOUR;
  served(READ);
  expect(rows(7, 10).rows).toMatchObject([{ requests: 2 }]);
  clock.ms += HOUR;
  expect(rows(7, 10).rows).toMatchObject([{ requests: 1 }]);
  clock.ms += 23 * HOUR;
  expect(rows(7, 10)).toEqual({ rows: [], total: 0 });
});

test("a crowd of readers takes a bounded part of memory, and those who came last stay", () => {
  const { served, rows } = table();
  for (let n = 0; n < 6_000; n++) served({ ...READ, reader: `r${n}` });
  const { rows: all, total } = rows(null, 1);
  expect([all[0]!.reader, total]).toEqual(["r5999", 5_000]);
});
