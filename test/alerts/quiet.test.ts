import { expect, test } from "vitest";
import { isQuiet } from "../../src/alerts/quiet.js";
import { parseQuietTimes } from "../../src/config/formats.js";

const clock = (hour: number, minute = 0) => new Date(2026, 10, 27, hour, minute).getTime();

test.each([
  [21, 59, false],
  [22, 0, true],
  [0, 0, true],
  [6, 59, true],
  [7, 0, false],
  [12, 30, true],
  [13, 0, false],
])("at %i:%i it is quiet: %s", (hour, minute, quiet) => {
  expect(isQuiet(parseQuietTimes("22:00-07:00,12:00-13:00")!, clock(hour, minute))).toBe(quiet);
});

test.each(["22-7", "24:00-07:00", "22:00-07:60", "", "night"])("%j is no list of times", (text) => {
  expect(parseQuietTimes(text)).toBe(null);
});
