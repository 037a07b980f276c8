import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  counted,
  countedRepositories,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  spokenAge,
  spokenAtMost,
} from "../../src/base/units.js";

describe("durations", () => {
  it.each([
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
  ])("%s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    "",
    "30",
    "-1s",
    "1.5h",
    "5 m",
    " 5m",
    "5M",
    "1w",
    "s",
    "5ms5",
    "9007199254740992ms",
    "5constructor",
  ])("refuses %j", (text) => expect(parseDuration(text)).toBeNull());

  it("are read back as they are written", () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  it("refuse every number without a unit", () => {
    fc.assert(fc.property(fc.double(), (number) => parseDuration(String(number)) === null));
  });
});

describe("sizes", () => {
  it.each([
    ["0B", 0],
    ["1KiB", 1_024],
    ["512MiB", 536_870_912],
    ["2GiB", 2_147_483_648],
    ["1TiB", 1_099_511_627_776],
  ])("%s", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(["", "512", "512MB", "512mib", "512 MiB", "0.5GiB", "9999999999TiB"])("refuses %j", (text) =>
    expect(parseSize(text)).toBeNull(),
  );

  it("are read back as they are written", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});

it("writes the largest unit that loses nothing", () => {
  expect([0, 90_000, 3_600_000, 86_400_000, 1_001].map(formatDuration)).toEqual([
    "0ms",
    "90s",
    "1h",
    "1d",
    "1001ms",
  ]);
  expect([1_536, 2_048].map(formatSize)).toEqual(["1536B", "2KiB"]);
});

it("speaks of ages in whole seconds", () => {
  expect([0, 984, 1_400, 59_999, 90_400, 240_000].map(spokenAge)).toEqual([
    ...["0 s", "0 s", "1 s", "59 s", "90 s", "4 min"],
  ]);
  expect([1, 984, 1_000, 1_001].map(spokenAtMost)).toEqual(["1 s", "1 s", "1 s", "2 s"]);
});

it("counts in words", () => {
  expect([0, 1, 2, 10_000].map(countedRepositories)).toEqual([
    "0 repositories",
    "1 repository",
    "2 repositories",
    "10,000 repositories",
  ]);
  expect(counted(1, "ref is held", "refs are held")).toBe("1 ref is held");
});
