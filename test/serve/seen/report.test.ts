import { expect, test } from "vitest";
import type { LogDetails } from "../../../src/base/log.js";
import { createReport } from "../../../src/serve/seen/report.js";

function report() {
  const clock = { ms: 0 };
  const lines: LogDetails[] = [];
  const remembered: unknown[] = [];
  const counted: unknown[] = [];
  const reports = createReport({
    log: { info: (details) => void lines.push(details) },
    table: { served() {}, refused: (request) => void remembered.push(request) },
    count: (...labels) => void counted.push(labels),
    find: ({ name }) => (name === "app" ? 7 : null),
    clock: () => clock.ms,
  });
  return { clock, lines, remembered, counted, reports };
}

const REFUSED = {
  repository: { owner: "acme", name: "app" },
  address: "192.0.2.1",
  status: 404,
  hasCredentials: true,
} as const;

test("an answer is counted by way and source, and logged with reader and repository", () => {
  const { reports, lines, counted } = report();
  reports.served({
    ...{ repository: REFUSED.repository, repositoryId: 7, reader: "ci", way: "token", address: "192.0.2.1" },
    ...{ act: "pack", source: null, isShared: true, bytes: 9, durationMs: 1, isWhole: false },
  });
  expect(counted).toEqual([
    [
      { way: "token", source: "none" },
      { bytes: 9, isShared: true },
    ],
  ]);
  expect(lines).toMatchObject([{ event: "served", repository: "acme/app", reader: "ci", bytes: 9 }]);
});

test("a refused name is written down only if it is a mirrored repository's", () => {
  const { reports, lines, remembered } = report();
  reports.refused(REFUSED);
  reports.refused({ ...REFUSED, repository: { owner: "acme", name: "ghp_in_the_wrong_place" } });
  expect(lines).toMatchObject([{ event: "reader_refused", repository: "acme/app" }, { status: 404 }]);
  expect(lines[1]!.repository).toBe(undefined);
  expect(remembered).toEqual([{ repository: REFUSED.repository, repositoryId: 7, address: "192.0.2.1" }]);
});

test("git's first question, without credentials, is no refusal that anybody must see", () => {
  const { reports, lines, remembered } = report();
  reports.refused({ ...REFUSED, status: 401, hasCredentials: false });
  expect([lines, remembered]).toEqual([[], []]);
});

test("a reader that nobody could judge is logged, and is not one that was refused", () => {
  const { reports, lines, remembered } = report();
  reports.refused({ ...REFUSED, status: 503 });
  expect([lines.length, remembered]).toEqual([1, []]);
});

test("whoever guesses does not fill the log", () => {
  const { reports, lines, clock, remembered } = report();
  for (let n = 0; n < 1_000; n++) reports.refused(REFUSED);
  expect([lines.length, remembered.length]).toEqual([60, 1_000]);
  clock.ms += 60_000;
  reports.refused(REFUSED);
  expect(lines).toHaveLength(61);
});
